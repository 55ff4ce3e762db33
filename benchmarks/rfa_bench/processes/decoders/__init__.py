"""Programs that decode, one for each runtime.  All answer the same questions: see `loop.py`."""
