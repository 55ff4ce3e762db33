"""Options that several commands share, which reach each of them as one argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Command = Callable[..., None]
Option = Callable[[Command], Command]


def given_as_one(kind: type[DataclassInstance], options: Sequence[Option]) -> Callable[[Command], Command]:
    """Give a command these options, as one argument in front of its own.

    kind: of that argument, with a field for each option.
    """

    def with_options(command: Command) -> Command:
        @wraps(command)
        def with_chosen(**given: Any) -> None:
            shared = {field.name: given.pop(field.name) for field in fields(kind)}
            command(kind(**shared), **given)

        for option in reversed(options):
            option(with_chosen)
        return with_chosen

    return with_options
