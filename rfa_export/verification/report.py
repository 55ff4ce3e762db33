"""What a verification has found out, as the manifest keeps it and as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rfa_export.exams.parity import NotChecked, Parity
from rfa_export.verification.drift import DriftRow
from rfa_export.verification.drift import as_line as drift_as_line
from rfa_export.verification.perplexity import Perplexity
from rfa_runtime.bundle.interface import OUR_TARGET

Found = Parity | NotChecked


@dataclass(frozen=True)
class Report:
    """What was found out about a bundle."""

    parity: dict[str, tuple[Found, ...]]
    """By target: what each of its runtimes computes."""
    drift: tuple[DriftRow, ...] = ()
    perplexity: Perplexity | None = None

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`: of each target its first runtime, and under `others` the rest."""
        table = {}
        for target, (first, *others) in self.parity.items():
            table[target] = first.as_table()
            if others:
                table[target]["others"] = [other.as_table() for other in others]
        if self.drift:
            table[OUR_TARGET]["drift"] = [row.as_table() for row in self.drift]
        if self.perplexity is not None:
            table[OUR_TARGET]["perplexity"] = self.perplexity.as_table()
        return table

    def lines(self) -> Iterator[str]:
        """For people: a line for each runtime, then drift and perplexity."""
        for target, runtimes in self.parity.items():
            for found in runtimes:
                yield f"{target}: {found.line()}"
        if self.drift:
            yield drift_as_line(self.drift)
        if self.perplexity is not None:
            yield self.perplexity.line()
