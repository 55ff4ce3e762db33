"""What an architecture is to us: settings of a language model, and a table of whose tensor is which of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rfa_models.networks.language_model_config import ModelConfig

Change = Callable[[Tensor, ModelConfig], Sequence[Tensor]]
"""Makes our tensors from one of theirs."""


def as_it_is(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """One tensor that both know in the same form."""
    return [tensor]


def transposed(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """A weight that is stored as [inputs, outputs]."""
    return [transpose(tensor)]


def transpose(tensor: Tensor) -> Tensor:
    """Rows for columns.  Raises IndexError where there are no two dimensions."""
    return tensor.transpose(0, 1)


@dataclass(frozen=True)
class Row:
    """One line of the table.  `{}` in a name stands for the number of a block."""

    theirs: str
    ours: tuple[str, ...]
    change: Change = as_it_is


def same(theirs: str, *ours: str, change: Change = as_it_is) -> Row:
    """A line of the table, written short."""
    return Row(theirs, ours, change)


@dataclass(frozen=True)
class Architecture:
    """How to read the models of one architecture."""

    config: Callable[[Mapping[str, Any]], ModelConfig]
    """From the table of config.json.  Raises ConfigError for a setting that we do not know."""
    rows: Callable[[ModelConfig], list[Row]]
    """The tensors that a model of this config has."""
    prefix: str = ""
    """Words before every name that some files leave out."""
    ignored: tuple[str, ...] = ()
    """Ends of names of tensors that hold nothing learned: masks and tables of angles."""
