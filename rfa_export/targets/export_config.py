"""What an export is asked for besides the model."""

from __future__ import annotations

from dataclasses import dataclass

from rfa_export.errors import TargetError
from rfa_export.graph.roles import OUR_OWN
from rfa_export.precision import Precision, precision_of
from rfa_export.targets.registry import targets_of
from rfa_export.targets.target import Target

STATES = ("fp32", "fp16")


@dataclass(frozen=True)
class ExportConfig:
    """Raises TargetError for what cannot be had."""

    targets: tuple[str, ...] = (OUR_OWN,)
    """Names of what to write for, all with the same weights; see `targets/registry.py`."""
    precision: str = "fp32"
    """Of the weights; see `precision.py`."""
    block_size: int | None = None
    """The most weights that share a scale, where they are whole numbers."""
    state: str = "fp32"
    """Of the state between two steps: fp32, or fp16 where the model has a gate that forgets in time."""
    opset: int | None = None
    """Of target `plain`; the oldest that it can have by default."""
    text: str | None = None
    """To report the perplexity on, of the bundle and of torch."""
    drift: int = 0
    """Tokens to decode and compare with float64 on the way; 0 for none."""

    def __post_init__(self) -> None:
        self.choose_targets()
        if self.state not in STATES:
            raise TargetError(f"state {self.state!r} came, wanted {' or '.join(STATES)}")
        if self.half_state and OUR_OWN not in self.targets:
            raise TargetError(f"a float16 state is tried out with target {OUR_OWN}: add it to the targets")
        if self.drift < 0:
            raise TargetError(f"drift over {self.drift} tokens came, wanted a number above zero")
        if (self.text is not None or self.drift) and OUR_OWN not in self.targets:
            raise TargetError(f"perplexity and drift are measured with target {OUR_OWN}: add it to the targets")

    @property
    def half_state(self) -> bool:
        """Whether a state lies in float16 between two steps."""
        return self.state == "fp16"

    @property
    def weights(self) -> Precision:
        """The precision by its name."""
        return precision_of(self.precision, self.block_size)

    def choose_targets(self) -> list[Target]:
        """The targets by their names."""
        targets = targets_of(self.targets, self.weights, self.opset)
        for target in targets:
            if self.half_state and not target.halves_states:
                raise TargetError(f"target {target.name} has float32 states alone: leave it out, or keep --state fp32")
        return targets
