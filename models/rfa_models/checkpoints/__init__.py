"""`model.pt`: written whole or not at all, and read as a file from a stranger."""
