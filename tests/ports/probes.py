"""Processes that answer questions about the parts of a runtime."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any


class Refused(Exception):
    """The error that the probe answered with."""


class Probe:
    """A process that answers questions: see runtime/cpp/tests/probe.cpp and runtime/web/tests/probe.mjs."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ask(self, ask: str, **given: Any) -> Any:
        """The answer.  Raises Refused."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": ask, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the probe ended: {self.last_words()}"
        found = json.loads(line)
        if "error" in found:
            raise Refused(found["error"])
        return found["answer"]

    def last_words(self) -> str:
        """What it complained of, once it has ended."""
        return self._process.communicate()[1][-2000:]

    def end(self) -> None:
        """Let it end; it must not have complained."""
        said = self._process.communicate()[1]
        assert self._process.returncode == 0, said
        assert not said
