"""Options that are declared in another place than the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click.decorators import FC


def stacked(command: FC, options: Sequence[Callable[[Any], Any]]) -> FC:
    """Give a command some options, in their order."""
    for option in reversed(options):
        command = option(command)
    return command
