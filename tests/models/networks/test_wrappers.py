"""What torch puts around a module comes off, and nothing else does."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from rfa_models.networks.wrappers import plain_name, unwrapped


class Own(nn.Module):
    """A module that happens to have one of the words."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Linear(2, 2)


def test_the_module_inside_comes_out_of_nested_wrappers() -> None:
    module = nn.Linear(2, 2)
    assert unwrapped(nn.DataParallel(torch.compile(nn.DataParallel(module)))) is module
    assert type(unwrapped(AveragedModel(module))) is nn.Linear


@pytest.mark.parametrize("module", [nn.Linear(2, 2), Own(), nn.Sequential(nn.DataParallel(nn.Linear(2, 2)))])
def test_a_module_that_is_no_wrapper_is_left_alone(module: nn.Module) -> None:
    assert unwrapped(module) is module


def test_names_of_tensors_lose_the_words_of_wrappers() -> None:
    model = nn.Sequential(torch.compile(nn.Linear(2, 2)))
    names = nn.DataParallel(torch.compile(model)).state_dict()
    assert [plain_name(name) for name in names] == ["0.weight", "0.bias"]
