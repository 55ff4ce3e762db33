"""What a conversion came to: how good the student is beside its teacher, and what it took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rfa_models.networks.language_model import LanguageModel
from rfa_models.teaching.controls import controls_of
from rfa_models.teaching.measure import compare, perplexity_of

DECIMALS = 4


@dataclass(frozen=True)
class Report:
    """Figures on texts that were held out.  They lie in the checkpoint and in the bundle, for people."""

    teacher: str
    """Name of its file or folder."""
    tokens: int
    """That the student read."""
    seconds: float
    """That its steps took."""
    lengths: tuple[dict[str, float], ...]
    """For half, one and four times the length of a lesson: `tokens`, and perplexities of teacher and student."""
    controls: dict[str, float]
    """Perplexities at the length of a lesson, of students that lack a part."""
    texts: tuple[dict[str, Any], ...] = ()
    """The figures on texts of others, with their `name`."""

    @property
    def of_a_lesson(self) -> dict[str, float]:
        """The figures at the length that the student was taught with."""
        return self.lengths[1]

    def as_table(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "teacher": self.teacher,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 1),
            "lengths": [finite(row) for row in self.lengths],
            "controls": finite(self.controls),
            "texts": [finite(row) for row in self.texts],
        }


def finite(row: dict[str, Any]) -> dict[str, Any]:
    """Figures that JSON can hold: None for those that no number is large enough for."""
    found = {}
    for name, value in row.items():
        endless = isinstance(value, float) and not math.isfinite(value)
        found[name] = None if endless else value
    return found


def measure(
    student: LanguageModel,
    teacher: LanguageModel,
    held_out: Tensor,
    others: Sequence[tuple[str, Tensor]],
    name: str,
    tokens: int,
    seconds: float,
) -> Report:
    """Measure a student on texts that it has not read.

    held_out: of the teacher, int [rows, T + 1]; four rows make a long text.  others: texts of others, with their names.
    """
    lengths = []
    for texts in (held_out[:, : held_out.shape[1] // 2 + 1], held_out, four_together(held_out)):
        lengths.append({"tokens": texts.shape[1] - 1, **figures_on(student, teacher, texts)})
    of_others = []
    for title, texts in others:
        of_others.append({"name": title, "tokens": texts[:, 1:].numel(), **figures_on(student, teacher, texts)})
    controls = {}
    for lacking, control in controls_of(student).items():
        with control:
            controls[lacking] = round(perplexity_of(student, held_out), DECIMALS)
    return Report(name, tokens, seconds, tuple(lengths), controls, tuple(of_others))


def figures_on(student: LanguageModel, teacher: LanguageModel, texts: Tensor) -> dict[str, float]:
    """Both perplexities, rounded, and what follows from them.  texts: int [rows, T + 1]."""
    figures = compare(student, teacher, texts)
    return {
        "teacher_perplexity": round(figures.teacher_perplexity, DECIMALS),
        "perplexity": round(figures.perplexity, DECIMALS),
        "ratio": round(figures.ratio, DECIMALS),
        "divergence": round(figures.divergence, DECIMALS),
    }


def four_together(texts: Tensor) -> Tensor:
    """Texts that follow one another as one.  int [rows, T + 1] -> [rows / 4, 4 T + 1]; of fewer than four, as many."""
    together = min(4, len(texts))
    rows = len(texts) // together
    joined = texts[: rows * together, :-1].reshape(rows, -1)
    last = texts[together - 1 : rows * together : together, -1:]
    return torch.cat([joined, last], dim=1)
