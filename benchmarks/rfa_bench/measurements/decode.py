"""Milliseconds per token behind a context, all systems in turns in one run.

Machines drift: a burst of steps of every system at every depth is one turn, and each figure is the median of its bursts
over all turns.  Every context is really there: prompts are read, caches are full.  Each system has a process for
itself, as in use: of two sessions in one process, the second finds better memory and steps 5 to 10% faster.  How fast
that is depends on the memory that it finds, so it is started several times.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rfa_bench.processes.ask import command_of
from rfa_bench.processes.worker import Worker
from rfa_bench.systems.row import Row, beside, decode_row, timed, under_roofline
from rfa_bench.systems.subject import RFA, Subject
from rfa_bench.systems.system import System
from rfa_bench.systems.turns import Running

SPARE = 40
"""Steps of a burst that are not timed, at most; see `processes/decoders/loop.py`."""
BUFFER = 512_000_000
"""Bytes of memory that are read in every turn, to know how fast that is."""
READINGS = 3
"""Of which the fastest counts."""
Place = tuple[str, int]
"""System, depth."""


@dataclass(frozen=True)
class DecodePlan:
    """What is measured, and how often."""

    depths: Sequence[int]
    batch: int
    threads: int
    starts: int
    """Of each system's process."""
    rounds: int
    """Turns of all systems after each start."""
    burst: int
    """Timed steps of one system in a turn."""
    provider: str = "cpu"

    @property
    def room(self) -> int:
        """Tokens that a text may get behind its context."""
        return (self.rounds + 1) * (self.burst + SPARE)


def measure(
    subject: Subject, systems: Sequence[System], plan: DecodePlan, progress: Callable[[str], None]
) -> list[Row]:
    """Measure every system at every depth, a row for each."""
    times: dict[Place, list[float]] = {}
    reasons: dict[Place, str] = {}
    for system in systems:
        for depth in plan.depths:
            times[system.name, depth] = []
            objection = system.objection(depth, plan.batch, provider=plan.provider)
            if objection is not None:
                reasons[system.name, depth] = objection
    speeds: list[float] = []
    for start in range(1, plan.starts + 1):
        title = f"start {start} of {plan.starts}"
        speeds += time_one_start(title, subject, systems, plan, times, reasons, progress)
    rows = []
    for system in systems:
        for depth in plan.depths:
            row = decode_row(subject, system, depth, plan.batch, plan.threads, plan.rounds * plan.burst)
            row = replace(row, provider=plan.provider)
            seconds = times[system.name, depth]
            if not seconds:
                rows.append(replace(row, reason=reasons[system.name, depth]))
                continue
            row = replace(row, state_bytes=system.state_bytes(subject, depth, plan.batch))
            row = timed(row, seconds, plan.batch)
            if plan.provider == "cpu":
                row = under_roofline(row, seconds, speeds, system.moved_bytes(subject, depth, plan.batch))
            rows.append(beside(row, seconds, times.get((RFA, depth), [])))
    return rows


def time_one_start(
    title: str,
    subject: Subject,
    systems: Sequence[System],
    plan: DecodePlan,
    times: dict[Place, list[float]],
    reasons: dict[Place, str],
    progress: Callable[[str], None],
) -> list[float]:
    """Start a process for each system, and add the seconds of a step in every turn to `times`.

    reasons: why a place has no times; those that are there already are left out.  Returns how fast memory was read in
    every turn, bytes a second.
    """
    wanted = [system for system in systems if any((system.name, depth) not in reasons for depth in plan.depths)]
    running = Running(subject, wanted, plan.threads, plan.provider, progress)
    numbers: dict[Place, int | None] = {}
    for place in times:
        name, depth = place
        if place not in reasons:
            progress(f"{title}: {name} reads {depth:,} tokens")
            numbers[place] = running.ask(name, "open", plan.batch, depth, plan.room)
    memory = Worker(command_of("bandwidth_worker", plan.threads, BUFFER))
    speeds = []
    for turn in range(plan.rounds + 1):
        progress(f"{title}: round {turn} of {plan.rounds}")
        speeds.append(float(memory.ask(f"0 {READINGS}")))
        for place, number in numbers.items():
            found = None if number is None else running.ask(place[0], "step", number, plan.burst)
            if found is not None and turn > 0:  # the first round warms caches and branch predictors
                times[place].append(statistics.median(found))
    running.end()
    memory.end()
    for place in numbers:
        if place[0] in running.failures:
            reasons[place] = running.failures[place[0]]
    return speeds[1:]
