"""What the student's answers are compared with: the output of each layer's attention, then the logits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.networks.language_model import LanguageModel

SMALLEST_VARIANCE = 1e-8
"""A layer of the teacher's that gives the same whatever it reads is divided by this."""


@dataclass
class Heard:
    """What went into the attention of each block, and what came out, both [B, T, E]."""

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)


@torch.no_grad()
def heard(model: LanguageModel, ids: Tensor, position_ids: Tensor | None = None) -> Heard:
    """Read a text and listen to every attention.  ids, position_ids: int64 [B, T]."""
    found = Heard()
    with listening(model, found):
        model(ids, position_ids)
    return found


@contextmanager
def listening(model: LanguageModel, found: Heard) -> Iterator[None]:
    """Note what every attention reads and gives while the `with` block lasts."""

    def note(layer: nn.Module, arguments: tuple[Tensor, ...], result: tuple[Tensor, object]) -> None:
        found.inputs.append(arguments[0])
        found.outputs.append(result[0])

    handles = [layer.register_forward_hook(note) for layer in model.attentions()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def layers_loss(student: LanguageModel, teacher: LanguageModel, ids: Tensor, position_ids: Tensor) -> Tensor:
    """How far each attention is from the teacher's, given what the teacher's reads: a part of its variance, the mean.

    No layer waits for another, so nothing is learned through the depth of the model.  ids, position_ids: int64 [B, T].
    """
    shown = heard(teacher, ids, position_ids)
    losses = []
    for layer, x, wanted in zip(student.attentions(), shown.inputs, shown.outputs, strict=True):
        found, _ = layer(x, None, None, position_ids)
        wanted = wanted.float()
        losses.append(F.mse_loss(found.float(), wanted) / wanted.var().clamp_min(SMALLEST_VARIANCE))
    return torch.stack(losses).mean()


def logits_loss(student: LanguageModel, teacher: LanguageModel, ids: Tensor, position_ids: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the student's next token from the teacher's, nats a token.

    ids, position_ids: int64 [B, T].
    """
    with torch.no_grad():
        wanted = teacher(ids, position_ids).float().log_softmax(-1)
    found = student(ids, position_ids).float().log_softmax(-1)
    return F.kl_div(found.flatten(0, 1), wanted.flatten(0, 1), log_target=True, reduction="batchmean")
