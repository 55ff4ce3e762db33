"""Exact softmax over the last tokens and the first, in front of the sums for what is older."""
