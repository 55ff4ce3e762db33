"""What a model is, what it reads and how it learns, in one TOML file."""
