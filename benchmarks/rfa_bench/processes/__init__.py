"""Programs that a measurement starts with `python -m`.

A probe measures one thing in a fresh process, prints it as JSON and ends: memory and caches are then its own.  A worker
does the same as often as it is asked.
"""
