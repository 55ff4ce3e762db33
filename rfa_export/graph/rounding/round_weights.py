"""Give the weights of a task's graphs their precision, and those of the module that they are compared with."""

from __future__ import annotations

import copy

import torch
from torch import nn

from rfa_export.graph.draft import Draft, Drafts
from rfa_export.graph.edit import Pass
from rfa_export.graph.rounding.gemm import split_gemms
from rfa_export.graph.rounding.half import Halver
from rfa_export.graph.rounding.scale_matrices import scale_matrices
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import Precision


def round_weights(drafts: Drafts, precision: Precision) -> Drafts:
    """New drafts, with weights of this precision.  Raises TargetError for a weight that the precision cannot hold."""
    passes = passes_of(precision)
    rounded: dict[str, Draft] = {}
    for role, draft in drafts.items():
        rounded[role] = draft.after(*passes)
    return rounded


def passes_of(precision: Precision) -> list[Pass]:
    """What graphs go through for a precision.  One list is for all graphs: weights that they share are rounded once."""
    if precision.quantized:
        return [split_gemms, Quantizer(precision).convert]
    if precision.half:
        return [split_gemms, Halver().convert, scale_matrices]
    return [scale_matrices]


@torch.no_grad()
def rounded_module(module: nn.Module, precision: Precision) -> nn.Module:
    """A copy whose weights are what the rounded numbers stand for; the module itself where none are.

    A weight that several parts share, such as the embedding and the head, is rounded once: to round what was rounded
    moves it again where a block has 16 numbers to choose from.
    """
    if not precision.rounds:
        return module
    rounded = copy.deepcopy(module)
    quantizer = Quantizer(precision)
    done = set[torch.Tensor]()
    for part in rounded.modules():
        if not isinstance(part, nn.Linear | nn.Embedding) or part.weight in done:
            continue
        done.add(part.weight)
        if precision.half:
            part.weight.copy_(part.weight.half())
        elif precision.block_of(part.weight.shape[1]):
            quantized = quantizer.rounded(part.weight.numpy().T)
            part.weight.copy_(torch.from_numpy(quantized.values()))
    return rounded
