"""From a torch module to a graph with attention nodes."""
