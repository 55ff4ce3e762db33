"""What the attention of a student is, and for how long it learns: settings of `rfa-convert`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rfa_models.attention.config import AttentionConfig, FeatureMap
from rfa_models.checks import (
    LARGEST_COUNT,
    LARGEST_SEED,
    LARGEST_SIZE,
    check_choices,
    check_fraction,
    check_optional,
    check_positive,
    check_whole,
)
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig

FIRST_SHARE = 0.5
FIRST_TOKENS = 1_250_000
"""Each layer by itself learns little from more: stories260K's student nearly nothing behind half of that."""
LessonPrecision = Literal["float32", "bfloat16"]
"""float16 would need its losses scaled."""


@dataclass(frozen=True)
class StudentConfig:
    """One conversion.  Raises ConfigError on a value that cannot work."""

    feature_map: FeatureMap = "gaussian"
    """As in a recipe."""
    random_vectors: int = 64
    """D of each head of keys."""
    gate: bool = True
    """Let the state decay.  Without it a student stays far behind its teacher."""
    key_weight: bool = True
    """Let keys count differently."""
    learned_vectors: bool = True
    """Train the random vectors."""
    gate_half_life: float = 64.0
    """Tokens: heads begin with memories from 1 token to this."""
    window: int = 0
    """Tokens that are still read by softmax; 0 for none."""
    window_alone: bool = False
    """Read the window and nothing older, without random features: what they have to be better than."""
    sinks: int = 0
    """First tokens that are read by softmax for ever, beside a window."""
    denominator_floor: float = 0.1
    """Smallest denominator."""
    seed: int = 0
    """Of the random vectors, of the teacher's text and of the order in which it is read."""

    def __post_init__(self) -> None:
        check_choices(self, feature_map=FeatureMap)
        check_whole(self, 1, LARGEST_SIZE, "random_vectors")
        check_whole(self, 0, LARGEST_SIZE, "window", "sinks")
        check_whole(self, 0, LARGEST_SEED, "seed")
        check_positive(self, "gate_half_life", "denominator_floor")
        if self.sinks and not self.window:
            raise ConfigError(f"sinks = {self.sinks} without a window: tokens become sinks when they leave one")
        if self.window_alone and self.sinks:
            raise ConfigError(
                f"sinks = {self.sinks} with window_alone = true: only random features have sinks, drop one"
            )
        if self.window_alone and not self.window:
            raise ConfigError("window_alone = true without a window: such a student would read nothing, set window")

    def attention(self, teacher: AttentionConfig) -> AttentionConfig:
        """The student's attention in the place of a layer of the teacher's."""
        if self.window_alone:
            return replace(teacher, window=self.window)
        return replace(
            teacher,
            kind="rfa",
            feature_map=self.feature_map,
            random_vectors=self.random_vectors,
            gate=self.gate,
            gate_half_life=self.gate_half_life if self.gate else None,
            key_weight=self.key_weight,
            window=self.window,
            sinks=self.sinks,
            learned_vectors=self.learned_vectors and self.feature_map in ("gaussian", "arccos"),
            denominator="clamp",
            denominator_floor=self.denominator_floor,
            pool_size=max(teacher.pool_size, teacher.groups),
            seed=self.seed,
        )

    def model(self, teacher: ModelConfig) -> ModelConfig:
        """The student's whole config."""
        own = tuple(self.attention(config) for config in teacher.layer_attention)
        return replace(teacher, attention=self.attention(teacher.attention), layer_attention=own)


@dataclass(frozen=True)
class TeachingConfig:
    """How a student is taught."""

    tokens: int = 4_000_000
    """Tokens that are read, both stages together."""
    minutes: float | None = None
    """Where the student ends its lessons earlier than by tokens; None: never."""
    first_stage: float | None = None
    """Share of the tokens with which each layer learns by itself; None: half of them, at most 1,250,000."""
    batch_size: int = 1
    """Texts of a step.  Many small steps teach more than few large ones, at the same price."""
    length: int = 512
    """Tokens of a text."""
    farthest_start: int = 8192
    """Positions at which texts begin are drawn from 0 to this, where positions are rotary; 0: all begin at 0."""
    samples: int = 1_000_000
    """Tokens of text that the teacher writes; longer lessons read them again."""
    layer_rate: float = 1e-2
    """Learning rate of what is new in a layer, while it learns by itself; queries and keys take a tenth."""
    learning_rate: float | None = None
    """Rate of all other weights in the second stage; what is new takes twice that.  None: 0.032 / width, and a
    fifth of that with a window."""
    warmup_steps: int = 20
    """Steps until a stage has its full rate."""
    precision: LessonPrecision = "float32"
    """Of the large products; sums, losses and measurements stay in float32.  bfloat16 pays from some ten million
    parameters on, where the processor has it."""
    held_out: int = 64
    """Texts of the teacher's that measure the student."""

    def __post_init__(self) -> None:
        check_whole(self, 0, LARGEST_COUNT, "tokens")
        if self.first_stage is not None:
            check_fraction(self, "first_stage")
        check_whole(self, 0, LARGEST_COUNT, "samples", "farthest_start")
        check_whole(self, 1, LARGEST_COUNT, "held_out")
        check_whole(self, 1, LARGEST_SIZE, "batch_size", "length", "warmup_steps")
        check_optional(self, "minutes", "learning_rate")
        if 0 < self.tokens < self.step_tokens:
            raise ConfigError(
                f"tokens is {self.tokens:,}, a step reads {self.step_tokens:,}: wanted that many, or none"
            )
        check_positive(self, "layer_rate")
        check_choices(self, precision=LessonPrecision)

    @property
    def first_share(self) -> float:
        """Share of the first stage."""
        if self.first_stage is not None:
            return self.first_stage
        return min(FIRST_SHARE, FIRST_TOKENS / max(1, self.tokens))

    @property
    def step_tokens(self) -> int:
        """Tokens of one step."""
        return self.batch_size * self.length
