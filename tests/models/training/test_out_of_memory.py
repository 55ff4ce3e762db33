"""No memory is an error in words; any other error stays what it is."""

from __future__ import annotations

from typing import Never

import pytest
import torch

from rfa_models.errors import ConfigError
from rfa_models.training.out_of_memory import memory_for


@pytest.mark.parametrize("shape", [(2**50,), (2**40, 2**40)])
def test_torch_without_memory_is_told_in_one_line(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError) as error, memory_for("the pool", "make it smaller"):
        torch.empty(shape)
    assert str(error.value).startswith("not enough memory for the pool (")
    assert str(error.value).endswith("): make it smaller")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to")])
def test_other_ways_of_saying_it_are_known(error: BaseException) -> Never:
    with pytest.raises(ConfigError, match="not enough memory"), memory_for("a step", "lower it"):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("out of memory"), KeyboardInterrupt()])
def test_other_errors_pass(error: BaseException) -> Never:
    with pytest.raises(type(error)) as found, memory_for("a step", "lower it"):
        raise error
    assert found.value is error
