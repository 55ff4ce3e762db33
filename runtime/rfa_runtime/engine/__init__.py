"""Many texts at once, in memory that is known before the start."""
