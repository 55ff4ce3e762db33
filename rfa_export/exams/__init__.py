"""What every runtime is asked about a finished bundle, and the answers that torch gives in float64."""
