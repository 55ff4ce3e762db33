"""What an attention layer is: every constant of the method has a name, a default and a check, made once here.

Defaults follow the paper; `AUTHORS` holds the constants of the authors' released code where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rfa_models.checks import (
    LARGEST_NUMBER,
    LARGEST_SEED,
    LARGEST_SIZE,
    check_choices,
    check_number,
    check_positive,
    check_whole,
)
from rfa_models.errors import ConfigError

AttentionKind = Literal["rfa", "softmax"]
FeatureMap = Literal["gaussian", "arccos"]
UnitNorm = Literal["guarded", "additive"]
DenominatorKind = Literal["signed_floor", "clamp", "abs_clamp"]
MatrixKind = Literal["iid", "orthogonal"]

AUTHORS: dict[str, Any] = {
    "feature_scale": 0.1,
    "unit_norm": "additive",
    "unit_norm_eps": 1e-3,
    "denominator": "clamp",
    "denominator_floor": 1.0,
    "pool_size": 500,
}
"""Constants of the authors' release for causal attention: `AttentionConfig(..., **AUTHORS)`."""

AUTHORS_CROSS: dict[str, Any] = AUTHORS | {"denominator": "abs_clamp"}
"""The same for its cross attention, which drops the denominator's sign."""


@dataclass(frozen=True)
class AttentionConfig:
    """One attention layer, RFA or its softmax twin.  Raises ConfigError on a value that cannot work."""

    kind: AttentionKind = "rfa"
    """`rfa`, or `softmax` for the twin to compare with."""
    heads: int = 4
    """H, heads side by side."""
    head_dim: int = 64
    """d, width of a head; heads x head_dim is the width of the model."""
    feature_map: FeatureMap = "gaussian"
    """Gaussian: sines and cosines, K = 2 D.  Arc-cosine: rectified projections, K = D [section 3]."""
    random_vectors: int = 64
    """D, random vectors of each head."""
    gate: bool = False
    """Decay the state by a learned gate: a recency bias [section 3.2]."""
    gate_bias: float = 3.0
    """Initial b_g: sigmoid(3) keeps 95% of the state at each step, a memory of about 20 tokens."""
    matrices: MatrixKind = "iid"
    """Rows drawn independently, or orthogonal within blocks of head_dim rows."""
    pool_size: int = 200
    """P, matrices drawn before training; each step takes others for each layer and head."""
    seed: int = 0
    """Seed of the pool.  Evaluation uses its first H matrices."""
    feature_scale: float | None = None
    """Factor on the features; None means sqrt(1/D), the paper's."""
    tau: float = 1.0
    """Temperature: divides the random vectors.  Redundant with sigma, kept for the authors' files."""
    unit_norm: UnitNorm = "guarded"
    """`guarded`: x / sqrt(|x|^2 + eps^2).  `additive`: x / (|x| + eps), the authors' code."""
    unit_norm_eps: float = 1e-8
    """Guards the zero vector only: 1e-6 here would already show in the tenth digit of short vectors."""
    denominator: DenominatorKind = "signed_floor"
    """How phi(q).z is kept away from zero; `clamp` and `abs_clamp` are the authors' two forms."""
    denominator_floor: float = 1e-3
    """How near to zero phi(q).z may come."""
    chunk: int = 64
    """Tokens per block of the training form: time and memory are linear in T whatever it is."""

    def __post_init__(self) -> None:
        check_choices(self, kind=AttentionKind, feature_map=FeatureMap, matrices=MatrixKind)
        check_choices(self, unit_norm=UnitNorm, denominator=DenominatorKind)
        check_whole(self, 1, LARGEST_SIZE, "heads", "head_dim", "random_vectors", "pool_size", "chunk")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")
        check_positive(self, "tau", "unit_norm_eps", "denominator_floor")
        check_number(self, -LARGEST_NUMBER, LARGEST_NUMBER, "gate_bias")
        if self.feature_scale is not None:
            check_positive(self, "feature_scale")
        if self.width > LARGEST_SIZE:
            raise ConfigError(f"heads x head_dim is {self.width:,}, wanted at most {LARGEST_SIZE:,}: make one smaller")
        if self.pool_size < self.heads:
            raise ConfigError(
                f"pool_size is {self.pool_size}, every head needs another matrix: "
                f"set it to at least heads = {self.heads}"
            )
        if self.kind == "softmax" and self.gate:
            raise ConfigError("gate = true with kind = 'softmax': only RFA has a gate, drop one of them")

    @property
    def width(self) -> int:
        """E, width of the layer's input and output."""
        return self.heads * self.head_dim

    @property
    def features(self) -> int:
        """K, features of each head."""
        if self.feature_map == "gaussian":
            return 2 * self.random_vectors
        return self.random_vectors

    @property
    def scale(self) -> float:
        """The factor on the features: sqrt(1/D) unless set."""
        if self.feature_scale is None:
            return self.random_vectors**-0.5
        return self.feature_scale
