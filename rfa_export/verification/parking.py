"""Keep the weights of a large model in a file while a session of the same size is open: memory for two is too much."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

WORTH_IT = 1 << 30
"""Bytes of weights; writing and reading fewer would save nothing that anyone lacks."""


@contextmanager
def parked(module: nn.Module, folder: Path, worth_it: int = WORTH_IT) -> Iterator[None]:
    """Take a module's weights out of memory for a while.

    Afterwards they are there again, in memory of their own, whatever happens inside.  folder: where the file lies;
    nobody sees it there.  Raises OSError where the disk is full: nothing is lost then.
    """
    tensors = [tensor for tensor in chain(module.parameters(), module.buffers()) if tensor.numel()]
    if sum(tensor.nbytes for tensor in tensors) < worth_it:
        yield
        return
    with tempfile.TemporaryFile(dir=folder) as file:
        for tensor in tensors:
            tensor.detach().contiguous().numpy().tofile(file)
        file.seek(0)
        shapes = [tensor.shape for tensor in tensors]
        for tensor in tensors:
            tensor.data = tensor.new_empty(0)
        try:
            yield
        finally:
            for tensor, shape in zip(tensors, shapes, strict=True):
                tensor.data = read_tensor(file, tensor, shape)


def read_tensor(file: object, kind: Tensor, shape: torch.Size) -> Tensor:
    """The next tensor of a file.  kind: one of its type."""
    numbers = np.fromfile(file, kind.detach().numpy().dtype, shape.numel())  # type: ignore[call-overload]
    return torch.from_numpy(numbers).reshape(shape)
