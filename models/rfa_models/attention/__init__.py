"""Attention layers: what they compute, and the seam at which an exporter puts its own operators."""
