"""One measured figure of one system, with the names that llama-bench gives to its fields."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rfa_bench.systems.subject import Subject
from rfa_bench.systems.system import System


@dataclass(frozen=True)
class Row:
    """The names are the contract of `rfa-bench --json`."""

    system: str
    model: str
    precision: str
    """Of the weights."""
    test: str
    """`pp512` reads a prompt of 512 tokens; `tg64 @ d4096` writes 64 tokens behind 4,096."""
    n_prompt: int
    n_gen: int
    context: int
    """Tokens that were read before, or that a prompt has."""
    threads: int
    batch: int
    """Texts side by side."""
    provider: str = "cpu"
    avg_ts: float | None = None
    """Tokens a second of all texts, mean of the bursts."""
    stddev_ts: float | None = None
    ms_per_token: float | None = None
    """Of a step, in which every text gets a token, or of a token of a prompt; median of the bursts."""
    rfa_ratio: float | None = None
    """The time of `rfa` over this system's: median of the turns, in each of which the two stand side by side."""
    state_bytes: int | None = None
    """That are kept of all texts between two steps."""
    moved_bytes: int | None = None
    """That a step must move: its weights once, a state in and out, a cache once."""
    roofline_share: float | None = None
    """The least that a step can take, these bytes over the speed of reading memory, over what it took: median of the
    turns, in each of which memory was read too.  1 is as fast as memory allows; more, where caches hold a part."""
    peak_rss_bytes: int | None = None
    """Of a process that only does this."""
    device_bytes: int | None = None
    """What a GPU holds more."""
    reason: str = ""
    """Why there is no figure; empty where there is one."""


def decode_row(subject: Subject, system: System, depth: int, batch: int, threads: int, steps: int) -> Row:
    """A row of steps at a depth, without figures."""
    return Row(
        system=system.name,
        model=subject.name,
        precision=system.precision(subject),
        test=f"tg{steps} @ d{depth}",
        n_prompt=0,
        n_gen=steps,
        context=depth,
        threads=threads,
        batch=batch,
    )


def prefill_row(subject: Subject, system: System, tokens: int, threads: int) -> Row:
    """A row of a prompt, without figures."""
    return Row(
        system=system.name,
        model=subject.name,
        precision=system.precision(subject),
        test=f"pp{tokens}",
        n_prompt=tokens,
        n_gen=0,
        context=tokens,
        threads=threads,
        batch=1,
    )


def timed(row: Row, seconds: Sequence[float], tokens: int) -> Row:
    """The row with its speed.  seconds: of each burst, for so many tokens of all texts; one at least."""
    speeds = [tokens / each for each in seconds]
    steps = tokens / row.batch
    return replace(
        row,
        avg_ts=statistics.mean(speeds),
        stddev_ts=statistics.stdev(speeds) if len(speeds) > 1 else 0.0,
        ms_per_token=statistics.median(seconds) / steps * 1e3,
    )


def under_roofline(row: Row, seconds: Sequence[float], speeds: Sequence[float], moved: int) -> Row:
    """The row with its share.  speeds: of reading memory in the same turns, bytes a second."""
    row = replace(row, moved_bytes=moved)
    if len(speeds) != len(seconds):
        return row
    shares = [moved / speed / each for each, speed in zip(seconds, speeds, strict=True)]
    return replace(row, roofline_share=statistics.median(shares))


def beside(row: Row, seconds: Sequence[float], rfa: Sequence[float]) -> Row:
    """The row with its ratio.  rfa: seconds of `rfa` in the same turns; other than as many where one of them failed."""
    if not rfa or len(rfa) != len(seconds):
        return row
    ratios = [ours / theirs for ours, theirs in zip(rfa, seconds, strict=True)]
    return replace(row, rfa_ratio=statistics.median(ratios))
