"""What a runtime is asked, and the answers in float64."""
