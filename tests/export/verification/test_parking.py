"""Weights that lie in a file for a while come back as they were, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_models import language_model
from torch import nn

from rfa_export.verification.parking import parked


def contents(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def assert_as_before(module: nn.Module, before: dict[str, torch.Tensor]) -> None:
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_weights_are_out_of_memory_and_come_back(tmp_path: Path) -> None:
    module = language_model()
    before, places = contents(module), list(module.parameters())
    with parked(module, tmp_path, worth_it=0):
        assert {parameter.nbytes for parameter in module.parameters()} == {0}
        assert list(tmp_path.iterdir()) == [], "the file has no name"
    assert_as_before(module, before)
    assert all(one is other for one, other in zip(module.parameters(), places, strict=True))
    assert module.head.weight is module.embedding.weight


def test_they_come_back_after_an_error_too(tmp_path: Path) -> None:
    module = language_model()
    before = contents(module)
    with pytest.raises(KeyboardInterrupt), parked(module, tmp_path, worth_it=0):
        raise KeyboardInterrupt
    assert_as_before(module, before)


def test_a_small_model_stays_where_it_is(tmp_path: Path) -> None:
    module = language_model()
    with parked(module, tmp_path):
        assert module.head.weight.nbytes > 0
