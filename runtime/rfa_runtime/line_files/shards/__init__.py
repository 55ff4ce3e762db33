"""One file of lines, answered by any number of processes that share a folder."""
