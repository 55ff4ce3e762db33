"""The module that graphs are compared with: its weights are what the graphs' numbers stand for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rfa_export.graph.rounding.round_weights import rounded_module
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import PRECISIONS


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_a_weight_that_is_shared_is_rounded_once(name: str) -> None:
    """Rows of two blocks: some of them would move again, their zero points with them."""
    torch.manual_seed(0)
    embedding = nn.Embedding(500, 256)
    head = nn.Linear(256, 500, bias=False)
    head.weight = embedding.weight
    once = Quantizer(PRECISIONS[name]).rounded(embedding.weight.detach().numpy().T).values()
    found = rounded_module(nn.ModuleList([embedding, head]), PRECISIONS[name])
    assert torch.equal(found[0].weight, torch.from_numpy(once))  # type: ignore[index]
    assert found[0].weight is found[1].weight  # type: ignore[index]
