"""`model.pt`: written whole, read as a stranger's."""
