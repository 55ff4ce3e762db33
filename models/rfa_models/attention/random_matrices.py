"""The random vectors w~ of the feature maps: drawn once from a seed, never at export.

A pool of matrices is drawn before training.  Each training step takes a different matrix for every layer and
head, so that the model does not lean on one draw; evaluation and export use the pool's first H [reference code,
`utils.py`].  Everything is drawn in float64 on the CPU: the same seed gives the same matrices on every device.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from rfa_models.attention.config import AttentionConfig, MatrixKind

SIDES = 4
"""Dimensions of matrices that differ by side."""


@runtime_checkable
class UsesMatrices(Protocol):
    """A layer that reads random matrices."""

    config: AttentionConfig
    training_matrices: Tensor | None
    """[G, D, d] of this training step."""


class MatrixPools:
    """Other matrices for every training step: one pool for all layers of the same attention config."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        """Draw the pools that a model's layers ask for; a model may need several."""
        self._groups: list[tuple[list[UsesMatrices], Tensor]] = []
        for layers in layers_by_config(model):
            pool = draw_pool(layers[0].config).to(device)
            self._groups.append((layers, pool))

    def resample(self, rng: torch.Generator) -> None:
        """Give every RFA layer matrices for the next step.

        The authors' code draws for every forward pass [`utils.py`], which is the same but for `accumulate`.
        """
        for layers, pool in self._groups:
            drawn = take(pool, len(layers), layers[0].config.groups, rng)
            for layer, matrices in zip(layers, drawn, strict=True):
                layer.training_matrices = matrices


def layers_by_config(model: nn.Module) -> list[list[UsesMatrices]]:
    """All layers inside a module that read matrices of a pool, in order, those of one config together."""
    groups: dict[AttentionConfig, list[UsesMatrices]] = {}
    for module in model.modules():
        if isinstance(module, UsesMatrices) and module.config.is_random and not module.config.learned_vectors:
            groups.setdefault(module.config, []).append(module)
    return list(groups.values())


def draw_pool(config: AttentionConfig) -> Tensor:
    """Draw the layer's pool w~ from its seed.  Returns [P, D, d] float32."""
    rng = torch.Generator().manual_seed(config.seed)
    return draw_matrices(config.matrices, config.pool_size, config.random_vectors, config.head_dim, rng)


def draw_matrices(kind: MatrixKind, count: int, rows: int, width: int, rng: torch.Generator) -> Tensor:
    """Draw `count` matrices of random vectors.  Returns [count, rows, width] float32."""
    draw = gaussian_rows if kind == "iid" else orthogonal_rows
    return draw(count, rows, width, rng).float()


def gaussian_rows(count: int, rows: int, width: int, rng: torch.Generator) -> Tensor:
    """Independent rows of N(0, I).  Returns [count, rows, width] float64."""
    return torch.randn(count, rows, width, generator=rng, dtype=torch.float64, device="cpu")


def orthogonal_rows(count: int, rows: int, width: int, rng: torch.Generator) -> Tensor:
    """Rows orthogonal within blocks of `width`, each as long as a Gaussian row.  [count, rows, width] float64.

    The length of a row is chi-distributed with `width` degrees of freedom, so that a single row is N(0, I) exactly and
    the kernel estimate stays unbiased.

    The authors' script gives rows of the same mean squared length, by another way, and needs rows >= width.  It takes
    the QR of one [rows, width] matrix, whose columns are orthonormal: rows are orthogonal only for rows = width, and
    else shorter than 1.  Chi with `rows` degrees of freedom makes up for that.
    """
    blocks = -(-rows // width)
    square = gaussian_rows(count * blocks, width, width, rng)
    q, r = torch.linalg.qr(square)
    q = q * torch.sign(torch.diagonal(r, dim1=-2, dim2=-1)).unsqueeze(-2)  # Haar measure: fix QR's free signs
    lengths = gaussian_rows(count * blocks, width, width, rng).norm(dim=-1, keepdim=True)
    return (q * lengths).reshape(count, blocks * width, width)[:, :rows]


def take(pool: Tensor, layers: int, heads: int, rng: torch.Generator) -> Tensor:
    """Choose training matrices: no two heads of a layer share one, nor two layers while the pool is large enough.

    pool: [P, D, d] with P >= heads.  Returns [layers, heads, D, d].
    """
    wanted = layers * heads
    if wanted <= len(pool):
        index = torch.randperm(len(pool), generator=rng)[:wanted]
    else:
        of_layers = []
        for _ in range(layers):
            of_layers.append(torch.randperm(len(pool), generator=rng)[:heads])
        index = torch.cat(of_layers)
    return pool[index.to(pool.device)].unflatten(0, (layers, heads))


def random_projection(x: Tensor, w: Tensor) -> Tensor:
    """Project each head's vectors on its own, [..., H, 1, d] -> [..., H, 1, D].

    w: [H, D, d], or [S, H, D, d] where every side of x [..., S, H, 1, d] has its own.
    """
    if w.dim() == SIDES:
        return torch.einsum("...shid,shkd->...shik", x, w)
    return torch.einsum("...hid,hkd->...hik", x, w)
