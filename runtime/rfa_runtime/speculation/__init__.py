"""Several tokens in one step: they are guessed first, and what was guessed wrong is taken back."""
