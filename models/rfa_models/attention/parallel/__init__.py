"""The parallel form of the attention, for training and for reading prompts: blocks, and the states between them."""
