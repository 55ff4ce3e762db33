"""How ONNX Runtime packs whole numbers of 4 or 8 bits into bytes."""

from __future__ import annotations

import numpy as np


def unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """Rows of bytes [N, ...] as rows of numbers, uint8.  A byte holds one number, or two, the lower half first."""
    if bits == 8:
        return packed
    halves = np.stack([packed & 15, packed >> 4], axis=-1)
    return halves.reshape(len(packed), -1)


def zero_points(packed: np.ndarray | None, bits: int, rows: int, blocks: int) -> np.ndarray:
    """The zero points of all blocks, uint8 [rows, blocks].

    packed: their bytes, where a row of an odd number ends with half a byte of nothing.  None: all lie in the middle.
    """
    if packed is None:
        return np.full((rows, blocks), 1 << (bits - 1), np.uint8)
    return unpacked(packed, bits)[:, :blocks]
