"""How fast text is read: prompts, up to the first new token, and a text that is scored.

Each system reads each text in a process for itself, so that its peak memory is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.processes.ask import ask
from rfa_bench.subjects.language_twins import export_twins
from rfa_bench.subjects.shapes import SIZES
from rfa_export.targets.export_config import ExportConfig

PROMPT = "pp"
"""Reading a prompt: the word of llama-bench."""
SCORE = "score"
"""Reading a text, with the logits of every position."""


@dataclass(frozen=True)
class PromptRow:
    """One text read by one system; the names are the contract of `rfa-bench prompt --json`."""

    system: str
    test: str
    """`pp512` is a prompt of 512 tokens, `score4095` a text of which so many tokens are predicted."""
    context: int
    """Tokens that are read."""
    batch: int
    precision: str
    threads: int
    tokens_per_s: float
    """Median of the rounds."""
    ms_per_token: float
    ttft_s: float | None
    """Time to first token: of the whole prompt, and the choice behind it; None where a text is scored."""
    state_bytes: int | None
    """That are kept after the prompt."""
    peak_rss_bytes: int
    """Of a process that only loads the bundle and reads the text."""


@dataclass(frozen=True)
class PromptPlan:
    """What is read, and how often."""

    lengths: list[int]
    """Tokens of the prompts."""
    scored: int
    """Bytes of the text that is scored; 0 for none."""
    threads: int
    rounds: int


def twins_of_shape(size: str, folder: Path, weights: ExportConfig) -> dict[str, Path]:
    """Export both systems of a named shape with random weights.  Returns their bundles by system."""
    return export_twins(SIZES[size], folder, weights)


def measure(
    bundles: dict[str, Path], precision: str, plan: PromptPlan, progress: Callable[[str], None]
) -> list[PromptRow]:
    """Measure every system on every text, systems in turns.

    precision: that the bundles have.  Raises ProbeError where a process ends early.
    """
    rows = []
    for length in plan.lengths:
        for system, bundle in bundles.items():
            progress(f"{PROMPT}{length}, {system}")
            rows.append(prompt_row(system, bundle, length, precision, plan))
    if plan.scored:
        for system, bundle in bundles.items():
            progress(f"{SCORE}, {system}")
            rows.append(score_row(system, bundle, precision, plan))
    return rows


def prompt_row(system: str, bundle: Path, length: int, precision: str, plan: PromptPlan) -> PromptRow:
    """A prompt in a process for itself."""
    found = ask("prompt_probe", bundle, length, plan.threads, plan.rounds)
    seconds = found["ttft_s"]
    return PromptRow(
        system=system,
        test=f"{PROMPT}{length}",
        context=length,
        batch=1,
        precision=precision,
        threads=plan.threads,
        tokens_per_s=length / seconds,
        ms_per_token=seconds / length * 1e3,
        **found,
    )


def score_row(system: str, bundle: Path, precision: str, plan: PromptPlan) -> PromptRow:
    """A text that is scored, in a process for itself."""
    found = ask("score_probe", bundle, plan.scored, plan.threads, plan.rounds)
    tokens = found["tokens"]
    return PromptRow(
        system=system,
        test=f"{SCORE}{tokens}",
        context=tokens,
        batch=1,
        precision=precision,
        threads=plan.threads,
        tokens_per_s=found["tokens_per_s"],
        ms_per_token=1e3 / found["tokens_per_s"],
        ttft_s=None,
        state_bytes=None,
        peak_rss_bytes=found["peak_rss_bytes"],
    )
