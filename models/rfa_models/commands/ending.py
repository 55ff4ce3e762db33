"""How a command ends when something goes wrong: one line at most, and the exit code that scripts expect."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

from rfa_models.errors import ModelError
from rfa_runtime.ending import in_one_line

P = ParamSpec("P")


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end with exit code 2 and one line for an expected error, with 130 and nothing for Ctrl-C."""

    @functools.wraps(command)
    def ending(*arguments: P.args, **options: P.kwargs) -> None:
        with in_one_line(ModelError):
            command(*arguments, **options)

    return ending
