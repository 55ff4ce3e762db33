"""A program of this folder that answers as often as it is asked: a line goes in, a line comes out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from rfa_bench.processes.ask import LAST_WORDS, NO_SETTINGS, ProbeError


class Worker:
    """A measuring process that holds one system.  It says that it is ready before it is asked."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] = NO_SETTINGS) -> None:
        """Start the program and wait for its first line.

        environment: variables besides those of this process.  Raises ProbeError where the program ends before.
        """
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | dict(environment),
        )
        self.greeting = self._answer()
        """The first line."""

    def ask(self, question: str) -> str:
        """Send a line.  Returns the line that comes back; raises ProbeError where the process ends before."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: its last words say why
        return self._answer()

    def end(self) -> None:
        """Let the process end: there will be no more questions."""
        self._process.communicate()

    def _answer(self) -> str:
        """Wait for a line of the process.  Raises ProbeError with its last words where none comes."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, said = self._process.communicate()
            raise ProbeError(f"the measuring process ended early: {said.strip()[-LAST_WORDS:]}")
        return line
