"""The most memory that decoding takes behind a context: each figure from a process that does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rfa_bench.systems.row import Row, decode_row
from rfa_bench.systems.subject import Subject
from rfa_bench.systems.system import System
from rfa_bench.systems.turns import Running

STEPS = 16
ROOM = 64
"""Tokens that a text may get behind its context; steps that are not timed are among them."""


def measure(
    subject: Subject,
    systems: Sequence[System],
    depths: Sequence[int],
    batch: int,
    threads: int,
    provider: str,
    progress: Callable[[str], None],
) -> list[Row]:
    """Measure every system at every depth, a row for each."""
    rows = []
    for system in systems:
        for depth in depths:
            row = replace(decode_row(subject, system, depth, batch, threads, STEPS), provider=provider)
            objection = system.objection(depth, batch, provider=provider)
            if objection is None:
                progress(f"{system.name} behind {depth:,} tokens")
                rows.append(held(row, subject, system, progress))
            else:
                rows.append(replace(row, reason=objection))
    return rows


def held(row: Row, subject: Subject, system: System, progress: Callable[[str], None]) -> Row:
    """The row with its memory."""
    running = Running(subject, [system], row.threads, row.provider, progress)
    number = running.ask(system.name, "open", row.batch, row.context, ROOM)
    if number is not None:
        running.ask(system.name, "step", number, STEPS)
    found = running.ask(system.name, "memory")
    running.end()
    if found is None:
        return replace(row, reason=running.failures[system.name])
    return replace(row, **found, state_bytes=system.state_bytes(subject, row.context, row.batch))
