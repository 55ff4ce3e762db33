"""What training must know of a language model, a translator and a classifier."""
