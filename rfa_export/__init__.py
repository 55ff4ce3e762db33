"""Rewrite Random Feature Attention models into step graphs and export them as verified bundles."""

__version__ = "0.1.0"
__all__ = ["__version__"]
