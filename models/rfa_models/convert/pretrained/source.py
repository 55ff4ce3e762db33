"""A file of weights, tensor by tensor: models are read in little more memory than they keep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from torch import Tensor


class TensorSource(Protocol):
    """The tensors of a model that somebody else wrote."""

    path: Path
    """For errors."""

    def names(self) -> Iterable[str]:
        """The names of all tensors."""

    def read(self, name: str) -> Tensor:
        """One tensor, as it is stored or as float32.  Raises CheckpointError where it is damaged."""
