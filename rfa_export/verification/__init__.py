"""Every target of a finished folder is asked in its own runtimes."""
