"""Give the weights of a task's graphs their precision, and those of the module that they are compared with."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn

from rfa_export.graph.draft import Drafts
from rfa_export.graph.lowering.fuse_products import scale_matrices
from rfa_export.graph.rewrite.gemm import split_gemms
from rfa_export.graph.rounding.half import Halver
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import Precision


def quantize(drafts: Drafts, precision: Precision) -> Drafts:
    """The same graphs with weights of this precision."""
    rounding = [split_gemms, (Halver() if precision.half else Quantizer(precision)).convert] if precision.rounds else []
    passes, made = rounding if precision.quantized else [*rounding, scale_matrices], {}
    for role, draft in drafts.items():
        model = draft.model.clone()
        for change in passes:
            change(model)
        made[role] = replace(draft, model=model)
    return made


@torch.no_grad()
def rounded_module(module: nn.Module, precision: Precision) -> nn.Module:
    """A copy whose weights are what the rounded numbers stand for; the module itself where none are."""
    if not precision.rounds:
        return module
    rounded, quantizer = copy.deepcopy(module), Quantizer(precision)
    for part in rounded.modules():
        if not isinstance(part, nn.Linear | nn.Embedding):
            continue
        if precision.half:
            part.weight.copy_(part.weight.half())
        elif precision.block_of(part.weight.shape[1]):
            part.weight.copy_(torch.from_numpy(quantizer.rounded(part.weight.numpy().T).values()))
    return rounded
