"""Milliseconds per target token of a translator, RFA against softmax, over lengths of source and target.

What a token costs is measured at several places of a target, in turns of all systems and places; the cost of a whole
target is the mean over its places by the trapezoidal rule, for softmax grows with every token.  Sources and targets are
really there: sources went through the encoder, targets were read before.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from rfa_bench.tables import COLOURS, lengths_below
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

Place = tuple[str, int, int]
"""System, source length, tokens of the target that were read."""


@dataclass(frozen=True)
class Row:
    """One whole target of one system."""

    system: str
    source: int
    target: int
    batch: int
    precision: str
    threads: int
    ms_per_token: float
    """Mean over the target: with a batch, all its rows advance by one token in that time."""
    state_bytes: int
    """Of all rows at the end of the target, what is kept of the source included."""


def measure(
    bundles: dict[str, Path],
    sources: list[int],
    targets: list[int],
    batch: int,
    threads: int,
    rounds: int,
    burst: int,
    progress: Callable[[str], None],
) -> list[Row]:
    """Measure every system at every pair of lengths.  burst: steps per round."""
    sessions = {name: StepSession(read_bundle(path), threads=threads) for name, path in bundles.items()}
    rows: list[Row] = []
    for source in sources:  # one source length at a time: memory stays bounded
        progress(f"source of {source:,} tokens")
        states = {
            (name, source, read): state
            for name, session in sessions.items()
            for read, state in prepared(bundles[name], session, source, [1, *targets], batch, threads, burst, rounds)
        }
        medians = in_turns(sessions, states, batch, rounds, burst)
        rows += [
            Row(name, source, target, batch, "fp32", threads, mean_ms(medians, name, source, target), size)
            for name, session in sessions.items()
            for target in targets
            for size in [state_bytes(session, source, target, batch)]
        ]
    return rows


def prepared(
    bundle: Path, session: StepSession, source: int, reads: list[int], batch: int, threads: int, burst: int, rounds: int
) -> list[tuple[int, State]]:
    """States that have read a source and so many tokens of a target, with room for the steps to come.

    One row reads, and every row of the batch has a copy of its own: it would take softmax 2 GB to read 16 sources.
    """
    rng = np.random.default_rng(0)
    vocab_size = session.vocab_size
    memory = Encoder(read_bundle(bundle), threads).encode(rng.integers(0, vocab_size, (1, source)).tolist())
    found = []
    for read in reads:
        state = session.new_state(1, capacity=read + (rounds + 1) * burst, cross=memory)
        session.step(rng.integers(0, vocab_size, (1, read)), state)
        found.append((read, state.select([0] * batch)))
    return found


def in_turns(
    sessions: dict[str, StepSession], states: dict[Place, State], batch: int, rounds: int, burst: int
) -> dict[Place, float]:
    """Median milliseconds of a step at every place; one round warms up.

    Systems change with every burst: each then finds the caches as the other left them.
    """
    ids, times = np.ones((batch, 1), np.int64), {place: list[float]() for place in states}
    in_order = sorted(states.items(), key=lambda item: item[0][2])
    for turn in range(rounds + 1):
        for place, state in in_order:
            seconds = []
            for _ in range(burst):
                started = time.perf_counter()
                sessions[place[0]].step(ids, state)
                seconds.append(time.perf_counter() - started)
            if turn:
                times[place].append(statistics.median(seconds) * 1e3)
    return {place: statistics.median(found) for place, found in times.items()}


def mean_ms(medians: dict[Place, float], system: str, source: int, target: int) -> float:
    """Mean milliseconds per token of a target, by the trapezoidal rule over the places up to its end."""
    places = sorted(read for name, m, read in medians if name == system and m == source and read <= target)
    costs = [medians[system, source, read] for read in places]
    return float(np.trapezoid(costs, places) / (places[-1] - places[0])) if len(places) > 1 else costs[0]


def state_bytes(session: StepSession, source: int, target: int, batch: int) -> int:
    """Bytes of all rows: caches of the tokens that are there, not their spare room."""
    return batch * sum(spec.row_bytes(capacity=target, source=source) for spec in session.specs)


def table(rows: list[Row]) -> str:
    """A Markdown table: a line per pair of lengths, RFA beside softmax."""
    head = "| source | target | rfa ms/token | softmax ms/token | softmax / rfa | rfa state | softmax state |"
    lines = [head, "|" + "---:|" * 7]
    found = {(row.system, row.source, row.target): row for row in rows}
    for source, target in dict.fromkeys((row.source, row.target) for row in rows):
        rfa, softmax = found["rfa", source, target], found["softmax", source, target]
        lines.append(
            f"| {source:,} | {target:,} | {rfa.ms_per_token:.2f} | {softmax.ms_per_token:.2f} "
            f"| {softmax.ms_per_token / rfa.ms_per_token:.2f} "
            f"| {rfa.state_bytes / 1e6:.1f} MB | {softmax.state_bytes / 1e6:.1f} MB |"
        )
    return "\n".join(lines)


def plot(rows: list[Row], title: str, file: Path) -> None:
    """Milliseconds per token against the target's length, a panel for each length of source."""
    sources = list(dict.fromkeys(row.source for row in rows))
    figure = Figure(figsize=(3.6 * len(sources) + 1, 4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(sources), sharey=True))
    for axes, source in zip(panels, sources, strict=True):
        for system in dict.fromkeys(row.system for row in rows):
            mine = [row for row in rows if row.system == system and row.source == source]
            style = {"color": COLOURS.get(system), "marker": "o", "label": system}
            axes.plot([row.target for row in mine], [row.ms_per_token for row in mine], **style)
        lengths_below(axes, sorted({row.target for row in rows}))
        axes.set(title=f"source of {source:,}", xlabel="target, tokens")
        axes.grid(alpha=0.3)
    panels[0].set(ylabel="ms per token", ylim=(0, None))
    panels[0].legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(file, dpi=120)


def as_tables(rows: list[Row]) -> list[dict[str, object]]:
    """Plain rows for `--json`."""
    return [asdict(row) for row in rows]
