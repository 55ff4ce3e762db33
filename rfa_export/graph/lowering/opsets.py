"""Opsets that graphs are written in, by themselves: settings are checked against them before onnx is loaded."""

from __future__ import annotations

OLDEST = 17
"""The first with LayerNormalization."""
NEWEST = 27
"""The newest that was tried."""
FIRST_WITH_BLOCKS = 21
"""The first with 4-bit numbers and blocks in DequantizeLinear."""
FIRST_WITH_LINEAR_ATTENTION = 27
"""The first with LinearAttention in the standard."""
