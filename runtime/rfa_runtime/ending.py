"""How a command ends: one line at most, and the exit code that scripts expect.  Standard library and click only.

Standard output and standard error may be closed (`2>&-`) or missing, as in a program without a console.  What would be
said there is then not said.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

import click

from rfa_runtime.interrupt import INTERRUPTED
from rfa_runtime.wording import Setting, WordedError

BAD_INPUT = 2
IN_COMMAND: ContextVar[bool] = ContextVar("IN_COMMAND", default=False)
"""Whether a command of ours is at work: then what this process prints is ours."""
PIPE_CLOSED = 141
"""128 and the number of the signal, as shells count."""


@contextmanager
def in_one_line(*errors: type[Exception], stopped: str = "") -> Iterator[None]:
    """Let a command's work end with one line and exit code 2 for an expected error, with 130 for Ctrl-C.

    errors: what is expected, besides OSError.  stopped: the line after Ctrl-C, none by default.  A command whose reader
    has gone, such as `head`, ends without a word, with 141.
    """
    expected: tuple[type[Exception], ...] = (OSError, *errors)
    outside = IN_COMMAND.set(True)
    try:
        with warnings_in_one_line():
            yield
        if sys.stdout is not None:
            sys.stdout.flush()  # the interpreter's own flush comes too late for an exit code
    except BrokenPipeError:
        settle_output()
        sys.exit(PIPE_CLOSED)
    except expected as error:
        complain(f"Error: {message_of(error)}")
        settle_output()
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        if stopped:
            complain(stopped)
        sys.exit(INTERRUPTED)
    finally:
        IN_COMMAND.reset(outside)


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Let warnings that our packages give on purpose be one line, without the place in the code; others stay."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if isinstance(message, WordedError):
            complain(f"Warning: {message_of(message)}")
        else:
            usual(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def message_of(error: Exception) -> str:
    """Return the message with the running command's own names for settings."""
    return error.worded(option_for) if isinstance(error, WordedError) else str(error)


def option_for(setting: Setting) -> str:
    """Return the option of the running command that is this setting, such as `--overwrite` or `--state fp32`.

    A setting that the command has no option for keeps its name in Python.
    """
    context = click.get_current_context(silent=True)
    parameters = context.command.params if context is not None else []
    for parameter in parameters:
        if parameter.name == setting.name and isinstance(parameter, click.Option):
            flag = max(parameter.opts, key=len)
            return flag if setting.value is None or parameter.is_flag else f"{flag} {setting.value}"
    return str(setting)


def complain(text: str) -> None:
    """Print a line on standard error, where there is one."""
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)


def settle_output() -> None:
    """Write what is left for standard output, or drop it where that fails: the interpreter would try once more."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
