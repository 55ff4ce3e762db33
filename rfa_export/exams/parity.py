"""How near a runtime comes to torch in float64, and whether that is near enough."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.precision import EXACT_ACTIVATIONS
from rfa_runtime.wording import Setting

SMALLEST = float(np.finfo(np.float32).tiny)
OUR_RUNTIME = f"onnxruntime {onnxruntime.__version__}"


@dataclass(frozen=True)
class NotChecked:
    """A runtime that could not be asked, and why."""

    runtime: str
    reason: str

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self) | {"checked": False}

    def line(self) -> str:
        """For people."""
        return f"not checked in {self.runtime}: {self.reason}"


@dataclass(frozen=True)
class Parity:
    """How near one runtime comes to torch on one bundle."""

    runtime: str
    tokens_compared: int
    """Positions; of a classifier, texts."""
    tokens_equal: int
    """Positions where the most likely token, or class, is the same."""
    near_ties: int
    """Other positions, where the two candidates differ by less than rounding may: no fault."""
    max_abs_error: float
    """The largest error of any logit."""
    max_relative_error: float
    """The same, relative to the largest logit: this figure is held to the tolerance."""

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self)

    def line(self) -> str:
        """For people."""
        return (
            f"parity with torch in float64, by {self.runtime}: {self.tokens_equal} of {self.tokens_compared} choices "
            f"equal, {self.near_ties} near ties, largest error of a logit {self.max_abs_error:.1e}"
        )


class Comparison:
    """Gathers how near a runtime comes to torch while its logits come, so that none of them need be kept."""

    def __init__(self, largest: float, runtime: str = OUR_RUNTIME, bound: float = tolerances.LOGITS_FLOAT32) -> None:
        """largest: torch's largest logit, whatever its sign.  bound: how far a logit may be off, relative to it."""
        self.runtime = runtime
        self.largest = max(largest, SMALLEST)  # all may be 0 before training
        self.tie = tolerances.NEAR_TIE * bound * self.largest
        self.compared = 0
        self.equal = 0
        self.ties = 0
        self.error = 0.0

    def add(self, found: np.ndarray, wanted: np.ndarray) -> None:
        """Compare some positions [..., N].  Raises ParityError where a logit is not finite."""
        for logits, source in ((wanted, "torch"), (found, self.runtime)):
            if not np.isfinite(logits).all():
                raise ParityError(f"{source} computes logits that are not finite: nothing was written")
        chosen = found.argmax(-1)[..., None]
        best = wanted.argmax(-1)[..., None]
        lead = np.take_along_axis(wanted, best, -1) - np.take_along_axis(wanted, chosen, -1)
        near_tie = (chosen != best) & (lead <= self.tie)
        self.compared += best.size
        self.equal += int((chosen == best).sum())
        self.ties += int(near_tie.sum())
        self.error = max(self.error, float(np.abs(found - wanted).max()))

    def parity(self) -> Parity:
        """The figures of all positions so far."""
        return Parity(self.runtime, self.compared, self.equal, self.ties, self.error, self.error / self.largest)


def compare(
    found: np.ndarray, wanted: np.ndarray, runtime: str = OUR_RUNTIME, bound: float = tolerances.LOGITS_FLOAT32
) -> Parity:
    """Measure the difference of two sets of logits [..., N].  Raises ParityError where any is not finite.

    bound: how far a logit may be off, relative to the largest.
    """
    comparison = Comparison(largest_of(wanted), runtime, bound)
    comparison.add(found, wanted)
    return comparison.parity()


def largest_of(logits: np.ndarray) -> float:
    """The largest logit, whatever its sign."""
    return float(max(logits.max(), -logits.min()))


def advice(bound: float) -> tuple[str | Setting, ...]:
    """What may help where the bound is that of products which round activations."""
    if bound != tolerances.LOGITS_INT8_ACTIVATIONS:
        return ()
    return ("; a few large activations may be the reason: try ", EXACT_ACTIVATIONS)


def accept(parity: Parity, what: str, bound: float = tolerances.LOGITS_FLOAT32) -> Parity:
    """Return the figures.  Raises ParityError where they are not within the bound.  what: was compared."""
    if parity.max_relative_error > bound:
        raise ParityError(
            f"the {what} differs from torch by {parity.max_relative_error:.1e} of the largest logit, "
            f"allowed is {bound:.0e}: nothing was written",
            *advice(bound),
        )
    others = parity.tokens_compared - parity.tokens_equal - parity.near_ties
    if others:
        raise ParityError(
            f"the {what} prefers other tokens than torch at {others} of {parity.tokens_compared} positions: "
            "nothing was written"
        )
    return parity
