"""Two checkouts of this project beside each other: what did a change do to speed and memory?

`exporter.py` and `worker.py` run with the code of a checkout, which may be older than they are: they use public names
only.  The others run with the code of this one.
"""
