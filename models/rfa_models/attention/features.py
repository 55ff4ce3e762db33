"""Random feature maps: phi(q).phi(k) estimates a kernel of q and k [sections 2 and 3 of the paper].

    Gaussian     phi(x) = s [sin(w_i.x), cos(w_i.x)]     K = 2 D
    arc-cosine   phi(x) = s relu(w_i.x)                  K = D

with w_i = sigma * w~_i / tau and s = sqrt(1/D).  The functions here leave s out: it is constant, so attention applies
s^2 once, where queries meet the state (`scale` in `linear_attention.py`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.parallel.sines import sines_and_cosines
from rfa_models.attention.parallel.unit import unit_vectors
from rfa_models.attention.projections import Projections
from rfa_models.attention.random_matrices import draw_pool


class RandomFeatures(Projections):
    """The parent of RFA layers: w = sigma * w~ / tau, w~ fixed and sigma learned [section 2.2].

    w.x is computed as w~ / tau . (sigma * x): a model then keeps and reads one set of matrices for all its layers.
    """

    random_matrices: Tensor
    """[H, D, d] w~ of evaluation and export, the same in every layer of one config."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.sigma = nn.Parameter(torch.ones(config.heads, 1, config.head_dim))
        self.register_buffer("random_matrices", torch.empty(config.heads, config.random_vectors, config.head_dim))
        self.training_matrices: Tensor | None = None
        """[H, D, d] matrices of this training step; None trains on the evaluation set."""
        if not self.random_matrices.is_meta:
            self.random_matrices.copy_(draw_pool(config)[: config.heads])

    def features(self, rows: Tensor) -> Tensor:
        """Features of queries, keys, or both side by side.  [B, T, (2,) H, 1, d] -> [B, T, (2,) H, 1 or 2, D]."""
        w = self.matrices().to(self.sigma.dtype) / self.config.tau
        project = operators.current().random_projection
        if rows.requires_grad:  # sigma on the few matrices: on every row it would be kept for the gradient
            projected = project(unit(rows, self.config), w * self.sigma)
        else:
            projected = project(unit(rows, self.config) * self.sigma, w)
        return gaussian(projected) if self.config.feature_map == "gaussian" else arccos(projected)

    def matrices(self) -> Tensor:
        """The w~ in force, [H, D, d]: this step's while training, else the saved evaluation set."""
        if self.training and self.training_matrices is not None:
            return self.training_matrices
        return self.random_matrices


def unit(x: Tensor, config: AttentionConfig) -> Tensor:
    """Scale vectors to unit length, so that the kernel's norm factors cancel.  x: [..., d] -> [..., d]."""
    if config.unit_norm == "additive":
        return x / (x.norm(dim=-1, keepdim=True) + config.unit_norm_eps)
    if x.requires_grad:
        return unit_vectors(x, config.unit_norm_eps)
    # x / sqrt(|x|^2 + eps^2), written as a root-mean-square norm: one operator in every runtime.
    width = x.shape[-1]
    return F.rms_norm(x, (width,), x.new_full((width,), width**-0.5), config.unit_norm_eps**2 / width)


def gaussian(projected: Tensor) -> Tensor:
    """Random Fourier features without s: sines, then cosines.  [..., 1, D] -> [..., 2, D]."""
    if projected.requires_grad:
        return sines_and_cosines(projected)
    # cos(p) = sin(p + pi/2): one pass over one tensor.
    phase = projected.new_tensor([[0.0], [math.pi / 2]])
    return (projected + phase).sin()


def arccos(projected: Tensor) -> Tensor:
    """Arc-cosine features without s.  [..., 1, D] -> the same."""
    return projected.relu()
