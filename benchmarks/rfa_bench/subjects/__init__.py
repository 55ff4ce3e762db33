"""What is measured: models of one shape, RFA and softmax."""
