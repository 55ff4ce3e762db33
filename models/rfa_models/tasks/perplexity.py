"""How well a model predicts the next token of a text, or of a translation.

A text is one stream of tokens cut into segments; each starts from an empty state, or goes on from the one before.
Every token after the stream's first is predicted once.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.errors import DataError
from rfa_models.tasks.evaluation_mode import evaluation_mode
from rfa_models.tasks.share import WHOLE, Share

LARGEST_LOSS = math.log(sys.float_info.max)
CHUNK = 512
"""Tokens at once where the state is carried through the text: as `rfa-run --score`."""


def perplexity(model: nn.Module, ids: Tensor, segment_length: int, batch: int = 16) -> float:
    """exp of the mean negative log likelihood of ids[1:], infinite where no float can hold it.

    ids: int [tokens], two at least, else raises DataError.  segment_length: 0 carries the state through the text.
    """
    check_predictable(ids, "the text")
    return exp_or_infinity(text_loss(model, ids, segment_length, batch) / (len(ids) - 1))


def text_loss(model: nn.Module, ids: Tensor, segment_length: int, batch: int = 16, share: Share = WHOLE) -> float:
    """Summed negative log likelihood of ids[1:], in nats.  Arguments as in `perplexity`.

    A share has every so-manieth batch of segments; a text that is read with one state has one share alone.
    """
    with evaluation_mode(model) as device:
        inputs = ids[:-1].long().to(device)
        targets = ids[1:].long().to(device)
        if segment_length:
            return segmented_loss(model, inputs, targets, segment_length, batch, share)
        if share.place:
            return 0.0
        return carried_loss(model, inputs, targets)


def check_predictable(ids: Tensor, what: str) -> None:
    """Raise DataError where there is no token to predict.  ids: int [tokens]."""
    if len(ids) < 2:
        raise DataError(f"{what} has {len(ids)} token(s), perplexity needs at least 2: give more text")


def segmented_loss(
    model: nn.Module, inputs: Tensor, targets: Tensor, length: int, batch: int, share: Share = WHOLE
) -> float:
    """Summed loss of a text whose segments all start from an empty state.  inputs, targets: int64 [tokens]."""
    total = 0.0
    for x, y in share.pick(segments(inputs, targets, length, batch)):
        total += summed_loss(model(x), y)
    return total


def segments(inputs: Tensor, targets: Tensor, length: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of segments [B, T].  inputs, targets: int64 [tokens].  A shorter last segment is a batch by itself."""
    whole = len(inputs) // length * length
    input_batches = inputs[:whole].view(-1, length).split(batch)
    target_batches = targets[:whole].view(-1, length).split(batch)
    yield from zip(input_batches, target_batches, strict=True)
    if whole < len(inputs):
        yield inputs[None, whole:], targets[None, whole:]


def carried_loss(model: Any, inputs: Tensor, targets: Tensor) -> float:
    """Summed loss of a text that is read once from its beginning, in constant memory.  inputs, targets: [tokens]."""
    total = 0.0
    states = None
    start = 0
    for x, y in zip(inputs[None].split(CHUNK, 1), targets[None].split(CHUNK, 1), strict=True):
        positions = torch.arange(start, start + x.shape[1], device=x.device)[None]
        logits, states = model.step(x, positions, None, states)
        total += summed_loss(logits, y)
        start += x.shape[1]
    return total


def summed_loss(logits: Tensor, targets: Tensor, ignore: int = -100) -> float:
    """Negative log likelihood of all targets together.  logits: [B, T, N], targets: [B, T]."""
    loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="sum", ignore_index=ignore)
    return loss.item()


def exp_or_infinity(loss: float) -> float:
    """The perplexity of a mean loss."""
    return math.inf if loss > LARGEST_LOSS else math.exp(loss)
