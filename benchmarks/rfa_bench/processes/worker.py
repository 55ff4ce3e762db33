"""A program of this folder that stays, and answers a line with a line."""

from __future__ import annotations

import subprocess

from rfa_bench.processes.ask import LAST_WORDS, ProbeError, command_of


class Worker:
    """A process for itself.  Its first line says that it is ready."""

    def __init__(self, program: str, *arguments: object) -> None:
        """Start the program and wait until it is ready."""
        self.process = subprocess.Popen(
            command_of(program, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.answer()

    def ask(self, line: str) -> str:
        """Send a line and wait for the answer.  Raises ProbeError where the process ends in place of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        """Wait for a line of the process.  Raises ProbeError with its last words where none comes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, said = self.process.communicate()
            raise ProbeError(f"the measuring process ended early: {said.strip()[-LAST_WORDS:]}")
        return line

    def end(self) -> None:
        """Let the process end."""
        self.process.communicate()
