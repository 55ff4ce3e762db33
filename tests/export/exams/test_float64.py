"""The float64 that everything is held to is that of a whole copy in float64, without the copy."""

from __future__ import annotations

import copy

import pytest
import torch
from small_models import classifier, language_model
from small_translators import every_setting
from torch import Tensor, nn

from rfa_export.exams.float64 import float64

IDS, PLACES = torch.arange(24).reshape(2, 12), torch.arange(12).expand(2, 12)


def translate(module: nn.Module) -> Tensor:
    return module.step(IDS, module.encode(IDS, PLACES), PLACES)[0]


def read(module: nn.Module) -> Tensor:
    return module(IDS, PLACES)


@pytest.mark.parametrize(
    ("build", "call"),
    [
        (lambda: language_model({"gate": True}), read),
        (lambda: language_model({"feature_map": "arccos"}), read),
        (lambda: language_model({"kind": "softmax"}), read),
        (lambda: classifier(), read),
        (every_setting, translate),
    ],
    ids=["gate", "arc-cosine", "softmax", "classifier", "translator"],
)
def test_it_is_the_float64_of_a_copy_bit_for_bit(build: object, call: object) -> None:
    module = build()
    with torch.no_grad():
        wanted = call(copy.deepcopy(module).eval().double())
    with float64(module):
        found = call(module)
    assert found.dtype == torch.float64
    assert torch.equal(found, wanted)


def test_the_module_is_as_before_and_computes_as_before() -> None:
    module = language_model().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    plain = read(module.eval())
    with float64(module.train()):
        assert not module.training
        assert read(module).dtype == torch.float64
    assert module.training
    assert torch.equal(read(module.eval()), plain)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_code_that_asks_for_the_type_of_a_weight_hears_float64() -> None:
    module = nn.Linear(3, 3)
    with float64(module):
        assert module.weight.dtype == torch.float64
        assert torch.zeros(3).dtype == torch.float32, "what is no weight stays what it is"
    assert module.weight.dtype == torch.float32
