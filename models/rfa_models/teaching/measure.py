"""How good a student is: its perplexity on a text beside its teacher's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.networks.language_model import LanguageModel
from rfa_models.tasks.evaluation_mode import evaluation_mode
from rfa_models.tasks.perplexity import exp_or_infinity

ROWS = 8
"""Texts at once, at most."""
LOGITS = 64 << 20
"""Numbers: of the logits of all texts at once."""


@dataclass(frozen=True)
class Figures:
    """Means over all tokens of the texts."""

    teacher_perplexity: float
    perplexity: float
    divergence: float
    """Kullback-Leibler of the student's next token from the teacher's, nats a token."""

    @property
    def ratio(self) -> float:
        """How many times the teacher's perplexity."""
        return self.perplexity / self.teacher_perplexity


def compare(student: LanguageModel, teacher: LanguageModel, texts: Tensor) -> Figures:
    """Let both predict texts.  texts: int [rows, T + 1]."""
    own = 0.0
    of_teacher = 0.0
    divergence = 0.0
    with evaluation_mode(student) as device, evaluation_mode(teacher):
        for rows in at_once(texts, student):
            ids = rows.long().to(device)
            found = student(ids[:, :-1]).float().log_softmax(-1)
            wanted = teacher(ids[:, :-1]).float().log_softmax(-1)
            own += loss(found, ids[:, 1:])
            of_teacher += loss(wanted, ids[:, 1:])
            divergence += F.kl_div(found, wanted, log_target=True, reduction="sum").item()
    count = texts[:, 1:].numel()
    return Figures(exp_or_infinity(of_teacher / count), exp_or_infinity(own / count), divergence / count)


def at_once(texts: Tensor, model: LanguageModel) -> tuple[Tensor, ...]:
    """Texts in parts whose logits memory has room for.  texts: int [rows, T + 1]."""
    of_a_text = texts.shape[1] * model.config.vocab_size
    return texts.split(max(1, min(ROWS, LOGITS // of_a_text)))


def loss(log_chances: Tensor, targets: Tensor) -> float:
    """Negative log likelihood of all targets together.  [B, T, N], [B, T]."""
    return -log_chances.gather(-1, targets.unsqueeze(-1)).sum(dtype=torch.float64).item()


def perplexity_of(model: LanguageModel, texts: Tensor) -> float:
    """Of a model alone.  texts: int [rows, T + 1]."""
    total = 0.0
    with evaluation_mode(model) as device:
        for rows in at_once(texts, model):
            ids = rows.long().to(device)
            total += loss(model(ids[:, :-1]).float().log_softmax(-1), ids[:, 1:])
    return exp_or_infinity(total / texts[:, 1:].numel())
