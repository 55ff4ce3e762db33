"""Which options a user gave, as he wrote them."""

from __future__ import annotations

from collections.abc import Container

import click
from click.core import ParameterSource


def given_options(names: Container[str]) -> list[str]:
    """The options on the command line whose parameters are among these, such as `--tokens`."""
    context = click.get_current_context()
    found = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in names and context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            found.append(parameter.opts[0])
    return found
