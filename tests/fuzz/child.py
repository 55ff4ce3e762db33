"""The process that works on cases, so that a crash, a hang or a full memory ends it and nothing else.

It reads one JSON object a line, `{"folder", "command", "arguments"}`, and answers with one, `{"exit_code", "stderr",
"traceback"}`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import state_calls
from click import Command
from click.testing import CliRunner

import rfa_export.commands.inspect
import rfa_models.commands.evaluate
import rfa_models.commands.train
import rfa_runtime.commands.run
from rfa_runtime.ending import IN_COMMAND

MOST_MEMORY = 6 << 30
"""Bytes; the machine must not suffer when a case asks for all of it."""
COMMANDS: dict[str, Command] = {
    "evaluate": rfa_models.commands.evaluate.main,
    "rfa-inspect": rfa_export.commands.inspect.main,
    "rfa-run": rfa_runtime.commands.run.main,
    "rfa-train": rfa_models.commands.train.main,
    "state": state_calls.main,
}


def main() -> None:
    """Answer until nothing more comes."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    IN_COMMAND.set(True)
    load_everything()
    answers = private_output()
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(attempt(json.loads(line))) + "\n")
        answers.flush()


def load_everything() -> None:
    """Load what the packages load when a name is used: no case is to wait for it."""
    for package in (rfa_export, rfa_models, rfa_runtime):
        for name in package.__all__:
            getattr(package, name)


def private_output() -> TextIO:
    """The pipe to the parent.  Whatever else writes to standard output writes into nothing."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return stream


def attempt(request: dict[str, Any]) -> dict[str, Any]:
    """Call the command in the folder."""
    os.chdir(request["folder"])
    command = COMMANDS[request["command"]]
    try:
        result = CliRunner().invoke(command, request["arguments"])
    except BaseException as error:  # a panic of a library in Rust is none of Python's exceptions
        return {"exit_code": 1, "stderr": "", "traceback": spelled(error)}
    unexpected = result.exception is not None and not isinstance(result.exception, SystemExit)
    return {
        "exit_code": result.exit_code,
        "stderr": result.stderr,
        "traceback": spelled(result.exception) if unexpected else "",
    }


def spelled(error: BaseException | None) -> str:
    """The traceback as Python prints it."""
    spell: Callable[..., list[str]] = traceback.format_exception
    return "".join(spell(error)) if error is not None else ""


if __name__ == "__main__":
    main()
