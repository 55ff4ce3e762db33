"""How near a runtime comes to torch in float64, and whether that is near enough."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime

from rfa_export import tolerances
from rfa_export.errors import ParityError

SMALLEST = float(np.finfo(np.float32).tiny)
OUR_RUNTIME = f"onnxruntime {onnxruntime.__version__}"


@dataclass(frozen=True)
class NotChecked:
    """A runtime that could not be asked."""

    runtime: str
    reason: str

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self) | {"checked": False}


@dataclass(frozen=True)
class Parity:
    """How near one runtime comes to torch on one bundle."""

    runtime: str
    tokens_compared: int
    """Positions; of a classifier, texts."""
    tokens_equal: int
    """Of these, where the most likely token, or class, is the same."""
    near_ties: int
    """Others, where the two candidates differ by less than rounding may: no fault."""
    max_abs_error: float
    """Of any logit."""
    max_relative_error: float
    """The same, relative to the largest logit; this one is held to the tolerance."""

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self)


class Comparison:
    """Gathers how near a runtime comes, as its logits come: none of them need be kept."""

    def __init__(self, largest: float, runtime: str = OUR_RUNTIME, bound: float = tolerances.LOGITS_FLOAT32) -> None:
        """largest: logit of torch's, whatever its sign.  bound: how far one may be off, relative to that."""
        self.runtime, self.largest = runtime, max(largest, SMALLEST)  # all may be 0 before training
        self.tie = tolerances.NEAR_TIE * bound * self.largest
        self.compared = self.equal = self.ties = 0
        self.error = 0.0

    def add(self, found: np.ndarray, wanted: np.ndarray) -> None:
        """Compare some positions [..., N].  Raises ParityError where a logit is not finite."""
        for logits, source in ((wanted, "torch"), (found, self.runtime)):
            if not np.isfinite(logits).all():
                raise ParityError(f"{source} computes logits that are not finite: nothing was written")
        chosen, best = found.argmax(-1), wanted.argmax(-1)
        lead = np.take_along_axis(wanted, best[..., None], -1) - np.take_along_axis(wanted, chosen[..., None], -1)
        self.compared += best.size
        self.equal += int((chosen == best).sum())
        self.ties += int(((chosen != best) & (lead[..., 0] <= self.tie)).sum())
        self.error = max(self.error, float(np.abs(found - wanted).max()))

    def parity(self) -> Parity:
        """What was gathered."""
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


def accept(parity: Parity, what: str, bound: float = tolerances.LOGITS_FLOAT32) -> Parity:
    """Return the figures where they are within the bound, raise ParityError where not."""
    if parity.max_relative_error > bound:
        raise ParityError(
            f"the {what} differs from torch by {parity.max_relative_error:.1e} of the largest logit, "
            f"allowed is {bound:.0e}: nothing was written"
        )
    if parity.tokens_equal + parity.near_ties < parity.tokens_compared:
        raise ParityError(
            f"the {what} prefers other tokens than torch at "
            f"{parity.tokens_compared - parity.tokens_equal - parity.near_ties} of {parity.tokens_compared} positions: "
            "nothing was written"
        )
    return parity
