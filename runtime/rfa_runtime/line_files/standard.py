"""Standard input and output, which `-` stands for in place of a file.  Standard library only."""

from __future__ import annotations

import sys
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from rfa_runtime.errors import OptionError

STANDARD = Path("-")
"""In place of a file: standard input or output."""


def standard_input() -> BufferedIOBase:
    """Return standard input as bytes.  Raises OptionError where it is closed."""
    if sys.stdin is None:
        raise OptionError("standard input is closed: give a file or a text in place of -")
    return cast(BufferedIOBase, sys.stdin.buffer)


def standard_output() -> BinaryIO:
    """Return standard output for bytes.  Raises OptionError where it is closed."""
    if sys.stdout is None:
        raise OptionError("standard output is closed: give a file in place of -")
    return sys.stdout.buffer
