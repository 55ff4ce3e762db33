"""From a training graph to a step graph."""
