"""How models learn: `[train]` of a recipe, a class for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rfa_models.checks import (
    LARGEST_COUNT,
    LARGEST_NUMBER,
    LARGEST_SEED,
    LARGEST_SIZE,
    check_choices,
    check_fraction,
    check_number,
    check_positive,
    check_whole,
)

Precision = Literal["float32", "bfloat16", "float16"]
Schedule = Literal["cosine", "inverse-sqrt"]


@dataclass(frozen=True)
class TrainConfig:
    """What all tasks share: AdamW, linear warm-up, then a slow end."""

    steps: int = 1000
    """Optimizer steps.  A finished run goes on with more of them, at the learning rates of one run of that length."""
    accumulate: int = 1
    """Batches whose gradients are added up before a step, as if they were one: each target counts alike."""
    learning_rate: float = 1e-3
    """The rate at the end of warm-up, the largest of the run."""
    schedule: Schedule = "cosine"
    """After warm-up: half a cosine down to `final_learning_rate`, or falling with the root of the step for ever."""
    final_learning_rate: float = 1e-4
    """Where the cosine ends."""
    warmup_steps: int = 100
    """Steps in which the rate rises in a straight line."""
    weight_decay: float = 0.1
    """AdamW's pull towards zero, on matrices only."""
    beta2: float = 0.99
    """How slowly AdamW's mean of squared gradients changes."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    precision: Precision = "float32"
    """Autocast type of the large products; the attention's sums stay in float32.  float16 needs CUDA."""
    seed: int = 0
    """The same seed draws the same weights, batches and random matrices."""
    evaluate_every: int = 500
    """Steps between two measurements on the validation data."""
    checkpoint_every: int = 200
    """Steps between resume points: a killed run loses at most these.  The first one comes after the first step."""
    checkpoint_seconds: float = 60.0
    """Seconds between them, however slow a step is; more where saving would take over a twentieth of the time."""

    def __post_init__(self) -> None:
        check_choices(self, precision=Precision, schedule=Schedule)
        check_whole(self, 1, LARGEST_COUNT, "steps", "evaluate_every", "checkpoint_every")
        check_whole(self, 0, LARGEST_COUNT, "warmup_steps")
        check_whole(self, 1, LARGEST_SIZE, "accumulate")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")
        check_positive(self, "learning_rate", "clip")
        check_number(self, 0.0, LARGEST_NUMBER, "final_learning_rate", "weight_decay", "checkpoint_seconds")
        check_fraction(self, "beta2")


@dataclass(frozen=True)
class LanguageTrainConfig(TrainConfig):
    """Segments of one long text."""

    batch_size: int = 16
    """Segments per step and accumulation."""
    segment_length: int = 256
    """Tokens per segment; each starts from an empty state unless `stateful`."""
    stateful: bool = False
    """A segment goes on from the state that the one before it left, without a gradient through the border."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, 1, LARGEST_SIZE, "batch_size", "segment_length")


@dataclass(frozen=True)
class TranslationTrainConfig(TrainConfig):
    """Batches of pairs of like length."""

    batch_tokens: int = 4096
    """Largest number of source and target tokens of a batch together, padding included."""
    label_smoothing: float = 0.1
    """Probability that the training's loss spreads over all tokens; measured without."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, 1, LARGEST_SIZE, "batch_tokens")
        check_fraction(self, "label_smoothing")


@dataclass(frozen=True)
class ClassificationTrainConfig(TrainConfig):
    """Batches of texts of like length."""

    batch_size: int = 32
    """Texts per step and accumulation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, 1, LARGEST_SIZE, "batch_size")
