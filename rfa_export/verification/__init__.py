"""Every target of a finished folder is put to the test in its own runtimes."""
