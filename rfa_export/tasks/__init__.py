"""What is traced, rewritten and examined for each kind of model."""
