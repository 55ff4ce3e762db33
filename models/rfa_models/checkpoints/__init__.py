"""`model.pt` and `model.safetensors`: written whole or not at all, and read as files from a stranger."""
