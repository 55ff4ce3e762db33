"""What was found of two checkouts, and the rows that it makes."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rfa_bench.checkouts.plan import Case

BEFORE = "before"
AFTER = "after"


@dataclass(frozen=True)
class CompareRow:
    """One case of both checkouts; the names are the contract of `rfa-bench compare --json`."""

    test: str
    precision: str
    threads: int
    tokens: int
    """That a call reads."""
    before_ms: float
    """Of a call, median of the rounds."""
    after_ms: float
    ratio: float
    """After over before, median of the ratios of all rounds: below 1 is faster."""
    lowest: float
    """Of these ratios."""
    highest: float
    rounds: int


@dataclass(frozen=True)
class MemoryRow:
    """The most memory that a process had in all its cases."""

    model: str
    precision: str
    threads: int
    before_peak_rss_bytes: int
    """Median of the starts."""
    after_peak_rss_bytes: int
    ratio: float


class Found:
    """What all starts of one setting found, by checkout."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self.times: dict[Case, list[dict[str, float]]] = {}
        """Milliseconds of each round."""
        self.tokens: dict[Case, int] = {}
        """Of a call."""
        self.peaks: list[dict[str, int]] = []
        """Bytes of each start."""
        for case in cases:
            self.times[case] = []

    def add(self, case: Case, answers: Mapping[str, Any]) -> None:
        """Take the answers of both workers in one round."""
        self.times[case].append({name: answer["ms"] for name, answer in answers.items()})
        self.tokens[case] = answers[AFTER]["tokens"]


def rows_of(found: Found, precision: str, threads: int) -> list[CompareRow]:
    """A row for each case."""
    rows = []
    for case, times in found.times.items():
        ratios = [time[AFTER] / time[BEFORE] for time in times]
        rows.append(
            CompareRow(
                test=case.label,
                precision=precision,
                threads=threads,
                tokens=found.tokens[case],
                before_ms=statistics.median(time[BEFORE] for time in times),
                after_ms=statistics.median(time[AFTER] for time in times),
                ratio=statistics.median(ratios),
                lowest=min(ratios),
                highest=max(ratios),
                rounds=len(ratios),
            )
        )
    return rows


def memory_row(found: Found, model: str, precision: str, threads: int) -> MemoryRow:
    """The memory of both checkouts."""
    before = int(statistics.median(peak[BEFORE] for peak in found.peaks))
    after = int(statistics.median(peak[AFTER] for peak in found.peaks))
    return MemoryRow(model, precision, threads, before, after, after / before)
