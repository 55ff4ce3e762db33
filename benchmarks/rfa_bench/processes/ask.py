"""Start the programs of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

NO_SETTINGS: Mapping[str, str] = {}
LAST_WORDS = 300
"""Characters of what a failed program wrote that its error quotes."""
DID_NOT_FIT = "out of memory"
"""What a probe writes last where the machine's memory is not enough: a result, not a failure."""


class ProbeError(OSError):
    """A program of this folder ended without an answer."""


def ask(probe: str, *arguments: object, environment: Mapping[str, str] = NO_SETTINGS) -> Any:
    """Run a probe to its end.  Returns what it printed as JSON.

    probe: name of its module.  environment: variables besides those of this process.  Raises ProbeError with its exit
    code and its last words where it fails.
    """
    return answer_of(command_of(probe, *arguments), environment, probe)


def answer_of(command: Sequence[str], environment: Mapping[str, str], name: str) -> Any:
    """Run a command to its end.  name: for the error.  The rest is as for `ask`."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | dict(environment))
    if done.returncode:
        raise ProbeError(f"{name} ended with exit code {done.returncode}: {done.stderr.strip()[-LAST_WORDS:]}")
    return json.loads(done.stdout)


def command_of(program: str, *arguments: object) -> list[str]:
    """The command line of a program of this folder."""
    return [sys.executable, "-m", f"rfa_bench.processes.{program}", *map(str, arguments)]


def last_words(words: IO[bytes]) -> str:
    """What a process wrote last, into a file of ours."""
    words.seek(0)
    return words.read().decode(errors="replace").strip()[-LAST_WORDS:]
