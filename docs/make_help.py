"""Write docs/help.md: what every command says for `--help`.  Run it after changing an option."""

from __future__ import annotations

from pathlib import Path

import click

from rfa_bench.cli import main as rfa_bench
from rfa_export.commands.export import main as rfa_export
from rfa_export.commands.inspect import main as rfa_inspect
from rfa_models.commands.convert import main as rfa_convert
from rfa_models.commands.train import main as rfa_train
from rfa_runtime.commands.run import main as rfa_run

COMMANDS = {
    "rfa-train": rfa_train,
    "rfa-convert": rfa_convert,
    "rfa-export": rfa_export,
    "rfa-inspect": rfa_inspect,
    "rfa-run": rfa_run,
    "rfa-bench": rfa_bench,
}
FILE = Path(__file__).with_name("help.md")
WIDTH = 100


def help_page() -> str:
    """All commands and their subcommands, as Markdown."""
    parts = ["# Commands\n"]
    for name, command in COMMANDS.items():
        parts.append(help_text(name, command, None))
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name)
            parts += [help_text(child, command.commands[child], context) for child in command.list_commands(context)]
    return "\n".join(parts)


def help_text(name: str, command: click.Command, parent: click.Context | None) -> str:
    """One command's section."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    return f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    FILE.write_text(help_page(), encoding="utf-8")
