"""Write docs/help.md: what every command says for `--help`.  Run it after changing an option."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import click

DOCS = Path(__file__).parent
FILE = DOCS / "help.md"
SETUPS = (DOCS.parent / "runtime" / "setup.cfg", DOCS.parent / "setup.cfg")
"""Where both packages say which commands they install."""
ORDER = ("rfa-train", "rfa-convert", "rfa-export", "rfa-inspect", "rfa-run", "rfa-bench")
"""The way of a model from recipe to figures; commands that are not here come last."""
WIDTH = 100


def help_page() -> str:
    """All commands and their subcommands, as Markdown."""
    sections = ["# Commands\n"]
    for context in contexts():
        sections.append(f"## {context.command_path}\n\n```\n{context.get_help()}\n```\n")
    return "\n".join(sections)


def contexts() -> Iterator[click.Context]:
    """A context for each command, and behind each group for its subcommands."""
    for name, command in commands().items():
        context = context_of(name, command)
        yield context
        if isinstance(command, click.Group):
            for child in command.list_commands(context):
                yield context_of(child, command.commands[child], context)


def context_of(name: str, command: click.Command, parent: click.Context | None = None) -> click.Context:
    """What a command knows of how it was called."""
    return click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)


def commands() -> dict[str, click.Command]:
    """The commands that setup.cfg installs, by name."""
    found = {}
    for file in SETUPS:
        setup = configparser.ConfigParser()
        setup.read(file)
        lines = setup["options.entry_points"]["console_scripts"].strip().splitlines()
        for line in lines:
            name, _, place = line.partition("=")
            found[name.strip()] = EntryPoint(name.strip(), place.strip(), "console_scripts").load()
    return dict(sorted(found.items(), key=in_order))


def in_order(command: tuple[str, object]) -> int:
    """The place of a command on the page."""
    name = command[0]
    return ORDER.index(name) if name in ORDER else len(ORDER)


if __name__ == "__main__":
    FILE.write_text(help_page(), encoding="utf-8")
