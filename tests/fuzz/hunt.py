"""Draw cases until the time is over, and keep the smallest that shows each fault."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import hypothesis
from case import Case
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy
from watched import Fault, Watched

SHRINKING = 40.0
"""Seconds that a fault may be made smaller."""
TOO_SLOW_TO_SHRINK = ("hang", "memory", "crash")


@dataclass(frozen=True)
class Finding:
    """A fault, and a case that shows it."""

    fault: Fault
    case: Case


class FaultFound(Exception):
    """Makes hypothesis look for a smaller case."""


class Hunt:
    """One target, as long as there is time."""

    def __init__(self, cases: SearchStrategy[Case], watched: Watched, seconds: float) -> None:
        self.cases = cases
        self.watched = watched
        self.end = time.monotonic() + seconds
        self.attempts = 0
        self.findings: dict[str, Finding] = {}
        self._first_seen: dict[str, float] = {}

    def round(self, seed: int, examples: int) -> None:
        """Draw some cases.  seed: the same draws the same."""

        @hypothesis.seed(seed)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(self.cases)
        def attempt(case: Case) -> None:
            self._attempt(case)

        with suppress(FaultFound, Flaky, BaseExceptionGroup):
            attempt()

    def _attempt(self, case: Case) -> None:
        if time.monotonic() > self.end:
            return
        self.attempts += 1
        fault = self.watched.attempt(case)
        if fault is None:
            return
        self._keep(Finding(fault, case))
        if time.monotonic() - self._first_seen[fault.kind] < SHRINKING and not fault.kind.startswith(
            TOO_SLOW_TO_SHRINK
        ):
            raise FaultFound

    def _keep(self, finding: Finding) -> None:
        kind = finding.fault.kind
        self._first_seen.setdefault(kind, time.monotonic())
        known = self.findings.get(kind)
        if known is None or finding.case.bytes <= known.case.bytes:
            self.findings[kind] = finding
