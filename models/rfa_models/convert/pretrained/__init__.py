"""Softmax models of others, read into ours: one file for each format, one for each kind of architecture."""
