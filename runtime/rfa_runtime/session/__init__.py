"""One graph, one state, one step."""
