"""All that is to be run once where there is a GPU: `parts.py` lists it, `report.py` runs it and writes one file.

The other modules are programs, a part each, and print JSON.
"""
