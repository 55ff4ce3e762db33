"""How fast prompts are read, all systems in turns in one run, each in a process for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rfa_bench.systems.row import Row, beside, prefill_row, timed
from rfa_bench.systems.subject import RFA, Subject
from rfa_bench.systems.system import System
from rfa_bench.systems.turns import Running

ENOUGH_SECONDS = 60.0
"""After which a system reads a length no more."""


@dataclass(frozen=True)
class PrefillPlan:
    """What is read, and how often."""

    lengths: Sequence[int]
    """Tokens of the prompts."""
    threads: int
    rounds: int
    provider: str = "cpu"


def measure(
    subject: Subject, systems: Sequence[System], plan: PrefillPlan, progress: Callable[[str], None]
) -> list[Row]:
    """Measure every system on every prompt, a row for each."""
    running = Running(subject, systems, plan.threads, plan.provider, progress)
    rows: list[Row] = []
    for length in plan.lengths:
        rows += at_length(subject, systems, plan, length, running, progress)
    running.end()
    return rows


def at_length(
    subject: Subject,
    systems: Sequence[System],
    plan: PrefillPlan,
    length: int,
    running: Running,
    progress: Callable[[str], None],
) -> list[Row]:
    """The rows of one length."""
    times: dict[str, list[float]] = {}
    objections: dict[str, str] = {}
    for system in systems:
        objection = system.objection(length, prompt=True, provider=plan.provider)
        if objection is None:
            times[system.name] = []
        else:
            objections[system.name] = objection
    for turn in range(1, plan.rounds + 1):
        for name, seconds in times.items():
            progress(f"pp{length}: {name}, round {turn} of {plan.rounds}")
            found = None if sum(seconds) > ENOUGH_SECONDS else running.ask(name, "read", length)
            if found is not None:
                seconds.append(found)
    rows = []
    for system in systems:
        row = replace(prefill_row(subject, system, length, plan.threads), provider=plan.provider)
        seconds = times.get(system.name, [])
        if seconds:
            row = replace(row, state_bytes=system.state_bytes(subject, length, 1))
            rows.append(beside(timed(row, seconds, length), seconds, times.get(RFA, [])))
        else:
            rows.append(replace(row, reason=objections.get(system.name) or running.failures[system.name]))
    return rows
