"""What an export is asked for besides the model."""

from __future__ import annotations

from dataclasses import dataclass

from rfa_export.errors import TargetError
from rfa_export.precision import Precision, precision_of
from rfa_export.roles import OUR_OWN
from rfa_export.targets.registry import targets_of
from rfa_export.targets.target import Target


@dataclass(frozen=True)
class ExportConfig:
    """Raises TargetError for what cannot be had."""

    targets: tuple[str, ...] = (OUR_OWN,)
    """Names of what to write for, all with the same weights; see `targets/registry.py`."""
    precision: str = "fp32"
    """Of the weights; see `precision.py`."""
    opset: int | None = None
    """Of target `plain`; the oldest that it can have by default."""
    text: str | None = None
    """To report the perplexity on, of the bundle and of torch."""
    drift: int = 0
    """Tokens to decode and compare with float64 on the way; 0 for none."""

    def __post_init__(self) -> None:
        self.choose_targets()
        if self.drift < 0:
            raise TargetError(f"drift over {self.drift} tokens came, wanted a number above zero")
        if (self.text is not None or self.drift) and OUR_OWN not in self.targets:
            raise TargetError(f"perplexity and drift are measured with target {OUR_OWN}: add it to the targets")

    @property
    def weights(self) -> Precision:
        """The precision by its name."""
        return precision_of(self.precision)

    def choose_targets(self) -> list[Target]:
        """The targets by their names."""
        return targets_of(self.targets, self.weights, self.opset)
