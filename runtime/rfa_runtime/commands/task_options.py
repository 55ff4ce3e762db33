"""Options of a command line for models of several tasks: each option knows which tasks have it.

`--help` shows the options in groups; `run.py` refuses an option that the bundle's task does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from rfa_runtime.bundle.interface import CLASSIFICATION, LANGUAGE_MODEL, TRANSLATION

MODELS = {LANGUAGE_MODEL: "language models", TRANSLATION: "translators", CLASSIFICATION: "classifiers"}
"""What the models of each task are called."""


class TaskOption(click.Option):
    """An option that only models of some tasks have."""

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
    """Return the title of the group that an option belongs to in the help."""
    return f"Options of {whose(option)}" if isinstance(option, TaskOption) else "Options"


def whose(option: TaskOption) -> str:
    """Name the models that have an option."""
    return " and ".join(MODELS[task] for task in option.tasks)
