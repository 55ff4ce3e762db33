"""What two checkouts are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rfa_export.errors import TargetError
from rfa_export.targets.export_config import THROUGHPUT_SUFFIX, ExportConfig

LANGUAGE = "language"
CLASSIFIER = "classifier"
MODELS = (LANGUAGE, CLASSIFIER)
CLASSIFIER_OF = {"tiny": "tiny", "gpt2-small": "base", "one-billion": "base"}
"""The classifier that goes with a size of language models."""


@dataclass(frozen=True)
class Case:
    """One thing that is measured; see `worker.py`."""

    name: str
    """The worker's word."""
    count: int
    """Tokens of a prompt, rows of a batch, or bytes of a text."""
    label: str
    """For people; prompts have the word of llama-bench."""
    model: str
    """LANGUAGE or CLASSIFIER."""


@dataclass(frozen=True)
class Plan:
    """What is measured, and how often."""

    size: str
    """Of the language model."""
    cases: list[Case]
    weights: list[ExportConfig]
    threads: list[int]
    context: int
    """Tokens that every text of a batch has read."""
    starts: int
    """Of each process: how fast it is depends on the memory that it finds."""
    rounds: int
    """Turns after each start."""

    def cases_of(self, model: str) -> list[Case]:
        """The cases of one of the two models."""
        return [case for case in self.cases if case.model == model]

    def size_of(self, model: str) -> str:
        """The name of the shape of one of the two models."""
        return self.size if model == LANGUAGE else CLASSIFIER_OF[self.size]


def cases_of(prompts: Sequence[int], batches: Sequence[int], scored: int, classified: int) -> list[Case]:
    """All cases: prompts of some lengths, batches of some rows, a text to score and one to classify, of some bytes.

    0 bytes leave a text out.
    """
    cases = []
    for count in prompts:
        cases.append(Case("prompt", count, f"pp{count}", LANGUAGE))
    for count in batches:
        cases.append(Case("batch", count, f"step, batch {count}", LANGUAGE))
    if scored:
        cases.append(Case("score", scored, f"score {scored:,} bytes", LANGUAGE))
    if classified:
        cases.append(Case("classify", classified, f"classify {classified:,} bytes", CLASSIFIER))
    return cases


def weights_named(label: str) -> ExportConfig:
    """Weights by their label: `int4`, `int4-64` for blocks of 64, `int4-throughput` for many tokens and rows.

    Raises TargetError for another word.
    """
    name = label.removesuffix(THROUGHPUT_SUFFIX)
    word, dash, block = name.partition("-")
    if dash and not block.isdecimal():
        raise TargetError(f"precision {label!r} came, wanted a word such as int4, int4-64 or int4{THROUGHPUT_SUFFIX}")
    return ExportConfig(precision=word, block_size=int(block) if dash else None, throughput=name != label)
