"""What reaches over positions outside attention is named: the operator, and the module that it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_models import OneLayer, attention_config, language_model
from torch import Tensor, nn

from rfa_export import pipeline
from rfa_export.errors import GraphError, ParityError
from rfa_export.tasks.language import LanguageExport
from rfa_export.verification.reach import what_reaches
from rfa_models.attention.causal import SoftmaxAttention


class Mixing(OneLayer):
    """Has something before its attention."""

    def __init__(self, before: nn.Module) -> None:
        super().__init__()
        self.before = before

    def mix(self, x: Tensor) -> Tensor:
        return super().mix(self.before(x))


class TokenShift(nn.Module):
    """As in RWKV."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)


class Convolution(nn.Module):
    """As in Mamba."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv1d(16, 16, 3, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.near(x.transpose(1, 2))[..., :-2].transpose(1, 2)


class Sum(nn.Module):
    """Of all before."""

    def forward(self, x: Tensor) -> Tensor:
        return x.cumsum(1)


class Mean(nn.Module):
    """Of the whole text."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.mean(1, keepdim=True)


class Recurrent(nn.Module):
    """Torch fixes the length of its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(16, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x)[0]


class Places(nn.Module):
    """Counts positions itself, from the beginning of what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(600, 16)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table(torch.arange(x.shape[1]))


class Softmax(nn.Module):
    """Attention of ours, whose cache is a state."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = SoftmaxAttention(attention_config(kind="softmax"))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(x)[0]


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (TokenShift, "Slice in before"),
        (Convolution, "Conv in before.near"),
        (Sum, "CumSum in before"),
        (Mean, "ReduceMean in before"),
        (Recurrent, "GRU in before.cell"),
        (Places, "Gather in before.table"),
        (nn.Tanh, None),
        (Softmax, None),
    ],
)
def test_the_operator_and_its_module_are_named(before: type[nn.Module], wanted: str | None) -> None:
    assert what_reaches(LanguageExport(Mixing(before()).eval())) == wanted


def test_it_is_found_between_two_kinds_of_attention() -> None:
    before = nn.Sequential(Softmax(), Mean())
    assert what_reaches(LanguageExport(Mixing(before).eval())) == "ReduceMean in before.1"


def test_nothing_of_ours_reaches() -> None:
    for gate in (True, False):
        assert what_reaches(LanguageExport(language_model({"gate": gate}))) is None


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
def test_damaged_weights_reach_nowhere(damage: float) -> None:
    model = OneLayer()
    model.head.weight.data[0, 0] = damage
    assert what_reaches(LanguageExport(model.eval())) is None


@pytest.mark.parametrize(("before", "error"), [(Sum, ParityError), (TokenShift, GraphError)])
def test_a_refused_export_says_it(before: type[nn.Module], error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match=r"(CumSum|Slice) in before reaches over positions: a step sees one token"):
        pipeline.export_module(Mixing(before()), tmp_path / "model.rfa", progress=lambda stage: None)
    assert list(tmp_path.iterdir()) == []
