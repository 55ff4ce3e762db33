"""Fewer bits for weights and states."""
