"""Quantise a task's graphs, and the module that they are compared with."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn

from rfa_export.draft import Drafts
from rfa_export.graph.quantize import Quantiser
from rfa_export.precision import Precision


def quantize(drafts: Drafts, precision: Precision) -> Drafts:
    """The same graphs with weights of this precision."""
    if not precision.quantised:
        return drafts
    quantiser, made = Quantiser(precision), {}
    for role, draft in drafts.items():
        model = draft.model.clone()
        quantiser.quantize(model)
        made[role] = replace(draft, model=model)
    return made


@torch.no_grad()
def rounded_module(module: nn.Module, precision: Precision) -> nn.Module:
    """A copy whose weights are what the quantised numbers stand for; the module itself where none are."""
    if not precision.quantised:
        return module
    rounded, quantiser = copy.deepcopy(module), Quantiser(precision)
    for part in rounded.modules():
        if isinstance(part, nn.Linear | nn.Embedding) and part.weight.shape[1] % precision.block_size == 0:
            part.weight.copy_(torch.from_numpy(quantiser.rounded(part.weight.numpy().T).values()))
    return rounded
