"""Exam: random inputs for a finished bundle, with the answers that torch gives in float64."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from rfa_export.exams.parity import Parity
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_runtime.bundle.bundle import Bundle


class Exam(Protocol):
    """Inputs and answers for the bundle of one task.

    They are made once and put to every runtime, because the answers take the longest.  Each task has a file here:
    `language.py`, `translation.py`, `classification.py`.
    """

    @property
    def answered(self) -> bool:
        """Whether all answers are known.  Then nobody needs the module's weights while runtimes are asked."""

    def verify(self, bundle: Bundle, bound: float) -> Parity:
        """Compare the graphs of target `ort`, in our own runtime, with torch.

        bound: how far a logit may be off, relative to the largest logit.  Raises ParityError where a logit is further
        off, where the most likely choice differs and is not nearly tied, or where a graph cannot run.
        """

    def compare(self, graphs: TargetGraphs) -> Parity:
        """Compare the graphs of any target, in any runtime, with torch.  Raises ParityError as `verify` does."""


def random_ids(rng: np.random.Generator, vocab_size: int, lengths: Iterable[int]) -> list[list[int]]:
    """Draw the token ids of texts of these lengths."""
    return [rng.integers(0, vocab_size, length).tolist() for length in lengths]
