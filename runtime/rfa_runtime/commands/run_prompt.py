"""The text that a command was given, wherever it was given, and the text that it shows."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rfa_runtime.decoding.generation import Piece
from rfa_runtime.errors import PromptError
from rfa_runtime.line_files.text import decode, read_text


def prompt_text(prompt: str | None, prompt_file: Path | None) -> str:
    """Find the prompt: on the command line, in a file, or on standard input."""
    if prompt is not None and prompt_file is not None:
        raise PromptError("a prompt and --prompt-file came together, wanted one of them")
    if prompt_file is not None:
        return read_text(prompt_file)
    if prompt == "-":
        return decode(sys.stdin.buffer.read(), "standard input")
    return prompt or ""


def one_text(prompt: str | None, prompt_file: Path | None) -> str:
    """Find a text that is worked on as a whole: the line end that files and `echo` add is not part of it."""
    return prompt_text(prompt, prompt_file).removesuffix("\n").removesuffix("\r")


def show(pieces: Iterable[Piece]) -> None:
    """Print pieces of text as they come.  Whoever interrupts them still finds his cursor on a line of its own."""
    try:
        for piece in pieces:
            print(piece.text, end="", flush=True)
    except KeyboardInterrupt:
        with suppress(OSError):
            print(flush=True)
        raise
    print()
