"""Options of a command line that serves models of several tasks: each option knows whose it is.

`--help` shows them in groups, and one that does not belong to the bundle's task is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from rfa_runtime.bundle.interface import CLASSIFICATION, LANGUAGE_MODEL, TRANSLATION
from rfa_runtime.errors import OptionError

MODELS = {LANGUAGE_MODEL: "language models", TRANSLATION: "translators", CLASSIFICATION: "classifiers"}
"""What the models of each task are called."""


class TaskOption(click.Option):
    """An option of models of some tasks alone."""

    def __init__(self, *arguments: Any, tasks: tuple[str, ...], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.tasks = tasks


class TaskCommand(click.Command):
    """A command whose help groups its options by the tasks that have them."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options for all first, then those of each group of tasks."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for option in self.get_params(context):
            record = option.get_help_record(context)
            if record is not None and isinstance(option, click.Option):
                groups.setdefault(heading(option), []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def option_of(*tasks: str) -> Callable[..., Callable[[Any], Any]]:
    """Return a decorator like click.option for options of these tasks."""

    def option(*arguments: Any, **settings: Any) -> Callable[[Any], Any]:
        return click.option(*arguments, cls=TaskOption, tasks=tasks, **settings)

    return option


def heading(option: click.Parameter) -> str:
    """The group of an option in the help."""
    return f"Options of {whose(option)}" if isinstance(option, TaskOption) else "Options"


def whose(option: TaskOption) -> str:
    """Name the models that have an option."""
    return " and ".join(MODELS[task] for task in option.tasks)


def check_options(context: click.Context, name: str, task: str) -> None:
    """Raise OptionError for an option that was given and is not one of the bundle's task.  name: of the bundle."""
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is not ParameterSource.DEFAULT
        if isinstance(option, TaskOption) and given and task not in option.tasks:
            raise OptionError(f"{option.opts[0]} is an option of {whose(option)}, {name} is for the task {task!r}")
