"""Parking: a large model's weights lie in a file while a session of the same size is open.

Memory for both would be too much.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor, nn

WORTH_IT = 1 << 30
"""Bytes of weights; with fewer, there is memory enough for both."""


@contextmanager
def parked(module: nn.Module, folder: Path, worth_it: int = WORTH_IT) -> Iterator[None]:
    """Take a module's weights out of memory for a while.

    Afterwards they are in memory again, whatever happens inside.  folder: where the file lies, without a name.
    worth_it: fewer bytes of weights stay where they are.  Raises OSError where the disk is full: nothing is lost then.
    """
    tensors = list(weights_of(module))
    size = 0
    for tensor in tensors:
        size += tensor.nbytes
    if size < worth_it:
        yield
        return
    with tempfile.TemporaryFile(dir=folder) as file:
        shapes = []
        for tensor in tensors:
            tensor.detach().contiguous().numpy().tofile(file)
            shapes.append(tensor.shape)
        file.seek(0)
        for tensor in tensors:
            tensor.data = tensor.new_empty(0)
        try:
            yield
        finally:
            for tensor, shape in zip(tensors, shapes, strict=True):
                tensor.data = read_tensor(file, tensor, shape)


def weights_of(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers that hold any number."""
    for tensor in chain(module.parameters(), module.buffers()):
        if tensor.numel():
            yield tensor


def read_tensor(file: IO[bytes], like: Tensor, shape: torch.Size) -> Tensor:
    """Read the next tensor of a file.  like: a tensor of the same type."""
    numbers = np.fromfile(file, like.detach().numpy().dtype, shape.numel())
    return torch.from_numpy(numbers).reshape(shape)
