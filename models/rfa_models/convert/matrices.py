"""The release's random matrices for causal attention: `random_matrices/{d}_{D}.npy`, [P, D, d].

These files are no part of its checkpoints.  Evaluation uses the first H, one for each head, in every layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rfa_models.checks import LARGEST_SIZE
from rfa_models.errors import CheckpointError
from rfa_models.wording import one_line


@dataclass(frozen=True)
class Matrices:
    """What evaluation uses of a pool."""

    first: Tensor
    """[H, D, d] float32"""
    pool_size: int
    """P"""


def read_matrices(path: Path, heads: int, head_dim: int, vectors: int | None = None) -> Matrices:
    """The first H matrices of a pool, for heads of width d.  vectors: D where it is known.

    Raises CheckpointError where the file is no such pool, OSError where it cannot be opened.
    """
    pool = open_array(path)
    if pool.ndim != 3 or pool.dtype.kind != "f" or pool.dtype.itemsize > 8:
        raise CheckpointError(f"{path}: {pool.dtype} of shape {pool.shape}, wanted floating-point numbers [P, D, d]")
    count, rows, width = pool.shape
    fits = heads <= count and rows == (vectors or rows) and width == head_dim
    if not fits or rows == 0 or max(count, rows) > LARGEST_SIZE:
        wanted = f"[{heads} or more, {vectors or 'D'}, {head_dim}]"
        raise CheckpointError(
            f"{path}: matrices of shape {pool.shape}, the model wants {wanted}: give those that it was trained with"
        )
    first = torch.from_numpy(np.array(pool[:heads], dtype=np.float32, order="C"))
    if not first.isfinite().all():
        raise CheckpointError(f"{path}: holds values that are not finite: get it again")
    return Matrices(first, count)


def open_array(path: Path) -> np.ndarray:
    """Map a .npy file, which must be as long as it says, without reading it.  Raises CheckpointError."""
    try:
        with np.errstate(over="raise"):
            return np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # damage surfaces as ValueError, EOFError, FloatingPointError, ...
        raise CheckpointError(f"{path}: not a .npy file of numbers ({one_line(error)}): get it again") from error
