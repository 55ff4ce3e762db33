"""What an architecture is to us: settings of a language model, and a table of whose tensor is which of ours.

The same table reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from rfa_models.networks.language_model_config import ModelConfig

Change = Callable[[Tensor, ModelConfig], Sequence[Tensor]]
"""Makes our tensors from one of theirs."""
Back = Callable[[Sequence[Tensor]], Tensor]
"""Makes one of theirs from our tensors."""


def as_it_is(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """One tensor that both know in the same form."""
    return [tensor]


def as_it_was(parts: Sequence[Tensor]) -> Tensor:
    """What undoes `as_it_is`."""
    return parts[0]


def transposed(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """A weight that is stored as [inputs, outputs]."""
    return [transpose(tensor)]


def transposed_back(parts: Sequence[Tensor]) -> Tensor:
    """What undoes `transposed`."""
    return transpose(parts[0])


def transpose(tensor: Tensor) -> Tensor:
    """Rows for columns.  Raises IndexError where there are no two dimensions."""
    return tensor.transpose(0, 1)


@dataclass(frozen=True)
class Row:
    """One line of the table.  `{}` in a name stands for the number of a block."""

    theirs: str
    ours: tuple[str, ...]
    change: Change = as_it_is
    back: Back = as_it_was


def same(theirs: str, ours: str) -> Row:
    """A line of a tensor that both know in the same form."""
    return Row(theirs, (ours,))


def rows_of_blocks(rows: Iterable[Row], layers: int) -> list[Row]:
    """The table with the rows of a block written for each block."""
    found = []
    for row in rows:
        if "{}" not in row.theirs:
            found.append(row)
            continue
        for layer in range(layers):
            ours = tuple(name.format(layer) for name in row.ours)
            found.append(replace(row, theirs=row.theirs.format(layer), ours=ours))
    return found


@dataclass(frozen=True)
class Architecture:
    """How to read the models of one architecture, and to write them."""

    config: Callable[[Mapping[str, Any]], ModelConfig]
    """From the table of config.json.  Raises ConfigError for a setting that we do not know."""
    rows: Callable[[ModelConfig], list[Row]]
    """The tensors that a model of this config has."""
    table: Callable[[ModelConfig], dict[str, Any]] | None = None
    """The table of config.json, where such models are written, too."""
    prefix: str = ""
    """Words before every name that some files leave out."""
    ignored: tuple[str, ...] = ()
    """Ends of names of tensors that hold nothing learned: masks and tables of angles."""
