"""What a finished bundle is asked, whatever its task: random inputs, with the answers that torch gives in float64."""

from __future__ import annotations

from typing import Protocol

from rfa_export.exams.parity import Parity
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_runtime.bundle.bundle import Bundle


class Exam(Protocol):
    """Drawn and answered once, however many runtimes sit it: answers in float64 take longest.

    One file for each task: `language_exam.py`, `translator_exam.py`, `classifier_exam.py`.
    """

    @property
    def answered(self) -> bool:
        """Whether the model itself is no more needed."""

    def verify(self, bundle: Bundle, bound: float) -> Parity:
        """Compare the graphs of target `ort`, in our own runtime, with torch.

        bound: how far a logit may be off, relative to the largest.  Raises ParityError where one is further off, where
        a most likely choice differs that is not nearly tied, or where a graph cannot run.
        """

    def compare(self, graphs: TargetGraphs) -> Parity:
        """Compare the graphs of any target, in any runtime, with torch.  Raises ParityError in the same cases."""
