"""The random matrices of the release: in its checkpoints, or in a file `random_matrices/{d}_{D}.npy` beside them.

Its decoders keep the pool that training draws from, [P, D, d], and what evaluation uses, [H, D, d]: one matrix for each
head, the same in every layer.  The second began as the first H of the pool.  What the checkpoint holds counts: it is
what the authors' evaluation reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rfa_models.checks import LARGEST_SIZE
from rfa_models.convert.names import MATRICES, POOL
from rfa_models.convert.release import Release
from rfa_models.errors import CheckpointError
from rfa_models.wording import one_line
from rfa_runtime.wording import Setting

RANDOM_MATRICES = Setting("random_matrices")
HALF_STEP = 2.0**-11
"""How far rounding to float16 moves a number, relative to it; numbers below 6e-5 move by less than 6e-8."""
SMALLEST_STEP = 2.0**-24


@dataclass(frozen=True)
class Matrices:
    """What evaluation uses of a pool."""

    first: Tensor
    """[H, D, d] float32"""
    pool_size: int
    """P"""


def stored_matrices(
    release: Release, module: str, heads: int, head_dim: int, vectors: int | None = None
) -> Matrices | None:
    """Those that the checkpoint holds in a module, for heads of width d; None where it holds none.

    module: its name with its dot.  vectors: D where it is known.  Raises CheckpointError for other shapes.
    """
    first = release.tensors.get(module + MATRICES)
    pool = release.tensors.get(module + POOL)
    if first is not None:
        check_shape(module + MATRICES, first, (heads, vectors, head_dim))
    if pool is not None:
        check_shape(module + POOL, pool, (None, vectors, head_dim))
        if first is None:
            first = pool[:heads].clone()
            check_shape(module + POOL, first, (heads, vectors, head_dim))
    if first is None:
        return None
    return Matrices(first, heads if pool is None else max(heads, len(pool)))


def check_shape(name: str, tensor: Tensor, wanted: tuple[int | None, int | None, int]) -> None:
    """Raise CheckpointError unless a tensor has these sizes, [P, D, d]; None stands for any."""
    count, vectors, head_dim = wanted
    found = tuple(tensor.shape)
    if len(found) == 3 and tensor.numel() and found == (count or found[0], vectors or found[1], head_dim):
        return
    raise CheckpointError(
        f"random matrices {name!r} have shape {found}, the model wants [{count or 'P'}, {vectors or 'D'}, {head_dim}]"
    )


def choose_matrices(stored: Matrices | None, given: Matrices | None) -> Matrices:
    """Those of the checkpoint, or those of a file where it has none.  Raises CheckpointError for none, or two kinds."""
    if stored is None:
        if given is None:
            raise CheckpointError(
                "holds no random matrices of causal attention: add ",
                RANDOM_MATRICES,
                ", the .npy file it was trained with",
            )
        return given
    if given is not None and not agree(stored.first, given.first):
        raise CheckpointError(
            "was trained with other random matrices than those of ",
            RANDOM_MATRICES,
            ": leave that out, the checkpoint holds its own",
        )
    return stored


def agree(one: Tensor, other: Tensor) -> bool:
    """Whether two sets of matrices are the same but for rounding to float16."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=2 * HALF_STEP, atol=SMALLEST_STEP)


def read_matrices(
    path: Path, heads: int, head_dim: int, vectors: int | None = None, *, exact: bool = False
) -> Matrices:
    """The first H matrices of a pool, for heads of width d.  vectors: D where it is known.

    They are rounded to float16, as the authors' programs round them on loading, unless `exact` is set.
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
    first = torch.from_numpy(np.array(pool[:heads], dtype=pool.dtype.newbyteorder("="), order="C"))
    if not exact:
        first = first.half()
    first = first.float()
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
