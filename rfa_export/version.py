"""The version of the distribution rfa-export, and of rfa-runtime, which goes with it."""

__version__ = "0.1.0"
