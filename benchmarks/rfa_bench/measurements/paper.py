"""The paper's figure of decoding: speed and memory against length, for the kinds of attention that it compares.

Source and target have one length, texts stand side by side, as in the paper.  Its figures are those of an accelerator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.measurements import translate
from rfa_bench.measurements.translate import TranslationPlan, TranslationRow
from rfa_bench.subjects.shapes import TRANSLATORS
from rfa_bench.subjects.translator_twins import export_variants

SOFTMAX = "softmax"
SENTENCE = 32
"""Tokens of a usual sentence: the lengths up to it count for the paper's figure of translation."""


@dataclass(frozen=True)
class PaperRow:
    """One kind of attention at one length; the names are the contract of `rfa-bench paper --json`."""

    system: str
    context: int
    """Tokens of source and of target."""
    batch: int
    precision: str
    threads: int
    ms_per_token: float
    """Mean over the target: all rows advance by one token in that time."""
    speedup: float
    """Softmax's time over this one's."""
    state_bytes: int
    """Of all rows at the end of the target."""
    memory_share: float
    """Of softmax's bytes."""


@dataclass(frozen=True)
class Claim:
    """A figure of the paper, and ours."""

    words: str
    paper: str
    here: str
    reached: bool


def bundles_of_shape(size: str, folder: Path) -> dict[str, Path]:
    """Export all kinds of a named shape.  Returns their bundles by system."""
    return export_variants(TRANSLATORS[size], folder)


def measure(
    bundles: dict[str, Path],
    lengths: Sequence[int],
    batch: int,
    threads: int,
    rounds: int,
    burst: int,
    progress: Callable[[str], None],
) -> list[PaperRow]:
    """Measure every kind at every length, in turns."""
    rows: list[PaperRow] = []
    for length in lengths:
        plan = TranslationPlan([length], [length], batch, threads, rounds, burst)
        found = {row.system: row for row in translate.measure(bundles, plan, progress)}
        rows += [row_of(row, found[SOFTMAX]) for row in found.values()]
    return rows


def row_of(row: TranslationRow, softmax: TranslationRow) -> PaperRow:
    """A row beside softmax's."""
    return PaperRow(
        row.system,
        row.target,
        row.batch,
        row.precision,
        row.threads,
        row.ms_per_token,
        softmax.ms_per_token / row.ms_per_token,
        row.state_bytes,
        row.state_bytes / softmax.state_bytes,
    )


def claims_of(rows: Sequence[PaperRow]) -> list[Claim]:
    """The paper's claims on decoding, one by one."""
    others = [row for row in rows if row.system != SOFTMAX]
    longest = max(row.context for row in rows)
    short = [row.speedup for row in others if row.context <= SENTENCE]
    long = [row for row in others if row.context == longest]
    claims = []
    if short:
        claims.append(Claim("translates twice as fast", "1.8 to 1.9 times", spread(short), max(short) >= 1.8))
    speeds = [row.speedup for row in long]
    shares = [row.memory_share for row in long]
    at_longest = f"at {longest:,} tokens"
    claims.append(Claim(f"decodes faster {at_longest}", "12 times at 2,048", spread(speeds), max(speeds) >= 12))
    words = f"{min(shares):.1%} to {max(shares):.1%}"
    claims.append(Claim(f"needs less memory {at_longest}", "under 10% at 2,048", words, max(shares) < 0.1))
    return claims


def spread(ratios: Sequence[float]) -> str:
    """The least and the most of some ratios."""
    return f"{min(ratios):.2f} to {max(ratios):.2f} times"
