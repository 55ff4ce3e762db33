"""What an attention layer is: every constant of the method has a name, a default and a check, made once here.

Defaults follow the paper; `AUTHORS` holds the constants of the authors' released code where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from rfa_models.checks import (
    LARGEST_NUMBER,
    LARGEST_SEED,
    LARGEST_SIZE,
    check_choices,
    check_number,
    check_optional,
    check_positive,
    check_whole,
)
from rfa_models.errors import ConfigError

AttentionKind = Literal["rfa", "softmax"]
FeatureMap = Literal["gaussian", "arccos", "hedgehog", "elu"]
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
    kv_heads: int | None = None
    """G, heads of keys and values, each read by heads / kv_heads heads of queries; None means as many as heads."""
    qkv_bias: bool = True
    """Whether queries, keys and values have a bias."""
    out_bias: bool = True
    """Whether the output has a bias."""
    rope_theta: float | None = None
    """Base of rotary positions, by which queries and keys are turned before anything else; None: they are not."""
    feature_map: FeatureMap = "gaussian"
    """Gaussian: sines and cosines, K = 2 D.  Arc-cosine: rectified projections, K = D [section 3].  Hedgehog: two
    softmaxes over learned projections, K = 2 D.  elu: elu(x) + 1, K = head_dim."""
    random_vectors: int = 64
    """D, random vectors of each head."""
    learned_vectors: bool = False
    """Train the random vectors: each layer then has its own, which begin as the drawn ones."""
    gate: bool = False
    """Decay the state by a learned gate: a recency bias [section 3.2]."""
    gate_bias: float = 3.0
    """Initial b_g: sigmoid(3) keeps 95% of the state at each step, a memory of about 20 tokens."""
    gate_half_life: float | None = None
    """Longest first half-life of a gate, in tokens: heads begin at 1 to this, evenly by ratio; None: at gate_bias."""
    key_weight: bool = False
    """Let each key count by a positive number that is read from the layer's input."""
    window: int = 0
    """W, the last tokens that RFA reads by exact softmax, and only older ones by features; 0 for none.  Softmax with a
    window reads nothing older."""
    sinks: int = 0
    """First tokens that RFA with a window reads by softmax for ever; trained softmax models lean on them."""
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
        check_whole(self, 0, LARGEST_SIZE, "window", "sinks")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")
        check_positive(self, "tau", "unit_norm_eps", "denominator_floor")
        check_number(self, -LARGEST_NUMBER, LARGEST_NUMBER, "gate_bias")
        check_optional(self, "feature_scale", "rope_theta", "gate_half_life")
        self.check_heads()
        if self.width > LARGEST_SIZE:
            raise ConfigError(f"heads x head_dim is {self.width:,}, wanted at most {LARGEST_SIZE:,}: make one smaller")
        if self.pool_size < self.groups:
            raise ConfigError(
                f"pool_size is {self.pool_size}, every head needs another matrix: "
                f"set it to at least heads = {self.groups}"
            )
        if self.sinks and not self.window:
            raise ConfigError(f"sinks = {self.sinks} without a window: tokens become sinks when they leave one")
        for name in ("gate", "key_weight", "learned_vectors", "sinks"):
            if self.kind == "softmax" and getattr(self, name):
                value = str(getattr(self, name)).lower()
                raise ConfigError(f"{name} = {value} with kind = 'softmax': only RFA has that, drop one of them")

    def check_heads(self) -> None:
        """Raise ConfigError where heads cannot share keys and values, or channels cannot be turned in pairs."""
        if self.kv_heads is not None:
            check_whole(self, 1, self.heads, "kv_heads")
            if self.heads % self.kv_heads:
                raise ConfigError(
                    f"kv_heads is {self.kv_heads}, which does not divide heads = {self.heads}: "
                    "each head of keys is read by as many heads of queries"
                )
        if self.rope_theta is not None and self.head_dim % 2:
            raise ConfigError(f"rope_theta with head_dim = {self.head_dim}: channels are turned in pairs, wanted even")

    def check_without_order(self, reader: str) -> None:
        """Raise ConfigError for what needs an order of tokens.  reader: what has none."""
        for name in ("gate", "rope_theta", "key_weight", "kv_heads", "window", "sinks"):
            value = getattr(self, name)
            if value:
                words = str(value).lower()
                raise ConfigError(f"{name} = {words} in {reader}: only causal attention has that, drop it")

    def softmax_twin(self) -> AttentionConfig:
        """The layer with softmax over all tokens in the place of RFA, and none of what RFA alone has."""
        return replace(self, kind="softmax", gate=False, key_weight=False, learned_vectors=False, window=0, sinks=0)

    @property
    def width(self) -> int:
        """E, width of the layer's input and output."""
        return self.heads * self.head_dim

    @property
    def groups(self) -> int:
        """G, heads of keys and values."""
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def kv_width(self) -> int:
        """G d, width of the keys and of the values."""
        return self.groups * self.head_dim

    @property
    def features(self) -> int:
        """K, features of each head."""
        match self.feature_map:
            case "gaussian" | "hedgehog":
                return 2 * self.random_vectors
            case "arccos":
                return self.random_vectors
            case "elu":
                return self.head_dim

    @property
    def scale(self) -> float:
        """The factor on the features: unless set sqrt(1/D) where they are random, and 1 where they are not."""
        if self.feature_scale is not None:
            return self.feature_scale
        return self.random_vectors**-0.5 if self.is_random else 1.0

    @property
    def is_random(self) -> bool:
        """Whether features are projections on random vectors, drawn or trained."""
        return self.feature_map in ("gaussian", "arccos")
