"""Feature maps: phi(q).phi(k) estimates a kernel of q and k [sections 2 and 3 of the paper].

    Gaussian     phi(x) = s [sin(w_i.x), cos(w_i.x)]                 K = 2 D
    arc-cosine   phi(x) = s relu(w_i.x)                              K = D
    Hedgehog     phi(x) = [softmax(w.x), softmax(-w.x)]              K = 2 D    [Zhang et al. 2024, section 4.2]
    elu          phi(x) = elu(x) + 1                                 K = d      [Katharopoulos et al. 2020, eq. 7]

In the first two x has unit length, w_i = sigma * w~_i / tau and s = sqrt(1/D).  The functions here leave s out: it is
constant, so attention applies s^2 once, where queries meet the state (`scale` in `linear_attention.py`).
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


class FeatureMaps(Projections):
    """The parent of layers that read features in place of queries and keys.

    Rows of queries and keys come by sides [B, T, S, G, 1, d]: one side for each head of queries in a group, and the
    last for its keys.  Where there is one kind of rows alone, they come without sides.

    Random features: w = sigma * w~ / tau, w~ fixed and sigma learned [section 2.2].  w.x is computed as
    w~ / tau . (sigma * x): a model then keeps and reads one set of matrices for all its layers.
    """

    random_matrices: Tensor
    """[G, D, d] w~ of evaluation and export: the same in every layer of one config, or trained in each."""
    sigma: nn.Parameter
    """[G, 1, d]."""
    side_matrices: nn.Parameter
    """[S, G, D, d] of Hedgehog: every head of queries and of keys has its own."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.training_matrices: Tensor | None = None
        """[G, D, d] matrices of this training step; None trains on the evaluation set."""
        if config.is_random:
            self.make_random()
        elif config.feature_map == "hedgehog":
            self.make_sides()

    def make_random(self) -> None:
        """Draw the matrices of random features."""
        groups = self.config.groups
        self.sigma = nn.Parameter(torch.ones(groups, 1, self.config.head_dim))
        matrices = torch.empty(groups, self.config.random_vectors, self.config.head_dim)
        if not matrices.is_meta:
            matrices.copy_(draw_pool(self.config)[:groups])
        if self.config.learned_vectors:
            self.random_matrices = nn.Parameter(matrices)
        else:
            self.register_buffer("random_matrices", matrices)

    def make_sides(self) -> None:
        """Draw matrices to begin with: queries and keys each take half of the factor that softmax gives to q.k."""
        groups = self.config.groups
        sides = self.config.heads // groups + 1
        matrices = torch.empty(sides, groups, self.config.random_vectors, self.config.head_dim)
        if not matrices.is_meta:
            matrices.copy_(draw_pool(self.config)[:groups] * self.config.head_dim**-0.25)
        self.side_matrices = nn.Parameter(matrices)

    def features(self, rows: Tensor) -> Tensor:
        """Features of rows, K = F D numbers in F parts.  [B, T, (S,) G, 1, d] -> [B, T, (S,) G, F, D]."""
        match self.config.feature_map:
            case "gaussian":
                return gaussian(self.random_projections(rows))
            case "arccos":
                return arccos(self.random_projections(rows))
            case "hedgehog":
                return hedgehog(operators.current().random_projection(rows, self.side_matrices))
            case "elu":
                return F.elu(rows) + 1.0

    def random_projections(self, rows: Tensor) -> Tensor:
        """Rows of unit length on the random vectors.  [B, T, (S,) G, 1, d] -> [B, T, (S,) G, 1, D]."""
        w = self.matrices().to(self.sigma.dtype) / self.config.tau
        project = operators.current().random_projection
        if rows.requires_grad or self.config.learned_vectors:
            # sigma on the few matrices: on every row it would be kept for the gradient
            return project(unit(rows, self.config), w * self.sigma)
        return project(unit(rows, self.config) * self.sigma, w)

    def matrices(self) -> Tensor:
        """The w~ in force, [G, D, d]: this step's while training, else the saved evaluation set."""
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


def hedgehog(projected: Tensor) -> Tensor:
    """The softmax of projections, and of their negatives.  [..., 1, D] -> [..., 2, D]."""
    return torch.cat([projected, -projected], dim=-2).softmax(-1)
