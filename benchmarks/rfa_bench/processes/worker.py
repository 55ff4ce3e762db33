"""A program of this folder that answers as often as it is asked: a line goes in, a line comes out."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from rfa_bench.processes.ask import NO_SETTINGS, ProbeError, last_words


class Worker:
    """A measuring process that holds one system.  It says that it is ready before it is asked."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] = NO_SETTINGS) -> None:
        """Start the program and wait for its first line.

        environment: variables besides those of this process.  Raises ProbeError where the program ends before.
        """
        # A file, not a pipe: a talkative program would fill it, and wait for ever.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
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
        self._words.close()

    def _answer(self) -> str:
        """Wait for a line of the process.  Raises ProbeError with its last words where none comes."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            said = last_words(self._words)
            self._words.close()
            raise ProbeError(f"the measuring process ended early: {said}")
        return line
