"""One tensor that ONNX Runtime reads and writes in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from rfa_runtime.session.ort import OrtValue


class Buffer:
    """Memory on a device, seen as an OrtValue; on the CPU it is numpy's own memory, without a copy."""

    def __init__(self, array: np.ndarray, device: str = "cpu") -> None:
        array = np.ascontiguousarray(array).reshape(array.shape)  # a scalar must stay one
        self.device = device
        self.value: Any = OrtValue.ortvalue_from_numpy(array, device)
        self._array = array if device == "cpu" else None
        self.items = memoryview(array.reshape(-1).data) if device == "cpu" else None
        """The elements in a row, without numpy's machinery; None where they are not on the CPU."""
        self.shape: tuple[int, ...] = array.shape
        self.dtype = array.dtype
        self.nbytes = array.nbytes

    def read(self) -> np.ndarray:
        """Return the contents: a view on the CPU, a copy from elsewhere."""
        return self.value.numpy() if self._array is None else self._array

    def replace_rows(self, places: np.ndarray, rows: np.ndarray, filled: int | None = None) -> None:
        """Put copies of some rows into places, all at once.

        places, rows: int [n].  filled: of the third dimension, when no more than the beginning of it matters.
        """
        contents = self.read()
        part = contents if filled is None else contents[:, :, :filled]
        part[places] = part[rows]
        if self._array is None:
            self.write(contents)

    def write(self, contents: np.ndarray | int) -> None:
        """Replace the contents, at the same address."""
        if self._array is None:
            self.value.update_inplace(np.ascontiguousarray(contents, self.dtype))
        else:
            self._array[...] = contents
