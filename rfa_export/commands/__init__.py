"""What a terminal calls."""
