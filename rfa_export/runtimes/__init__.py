"""Runtimes that run a target's graphs, to see that they compute what torch computes.  One file each."""
