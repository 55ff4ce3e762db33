"""A step graph in the operators of one target."""
