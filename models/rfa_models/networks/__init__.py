"""The three kinds of model that are built from the attention layers."""
