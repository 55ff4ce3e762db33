"""One program that prints JSON, and what comes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfa_bench.processes.ask import LAST_WORDS


@dataclass(frozen=True)
class Part:
    """One process."""

    name: str
    """`kind`, or `kind precision ...`; --only takes both."""
    arguments: tuple[str, ...]
    """Behind `python -m`."""
    needs: str = ""
    """The part whose bundles it reads."""

    @property
    def kind(self) -> str:
        """The first word of its name."""
        return self.name.split()[0]

    @property
    def command(self) -> list[str]:
        """What is run."""
        return [sys.executable, "-m", *self.arguments]


def measurement(name: str, words: Sequence[str], needs: str = "") -> Part:
    """A measurement of rfa-bench."""
    return Part(name, ("rfa_bench.cli", *words, "--json"), needs)


def run_part(part: Part, limit_s: int) -> dict[str, Any]:
    """The name and time of a part, and its `result` or its `error`."""
    started = time.perf_counter()
    entry: dict[str, Any] = {"name": part.name}
    try:
        code, said, last_words = run_to_its_end(part.command, limit_s)
        if code:
            entry["error"] = f"exit code {code}: {last_words.strip()[-LAST_WORDS:]}"
        else:
            entry["result"] = json.loads(said)
    except subprocess.TimeoutExpired:
        entry["error"] = f"not done after {limit_s} s"
    except ValueError:
        entry["error"] = f"printed no JSON: {said.strip()[-LAST_WORDS:]}"
    entry["seconds"] = round(time.perf_counter() - started, 1)
    return entry


def run_to_its_end(command: Sequence[str], limit_s: int) -> tuple[int, str, str]:
    """The exit code of a program, what it printed, and what it wrote to standard error.

    Where it takes too long, or we are stopped, it is ended with all that it started: a worker left behind would hold
    the GPU while the next part measures.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, last_words = process.communicate(timeout=limit_s)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, said, last_words


def write(report: dict[str, Any], file: Path) -> None:
    """Replace the file as a whole."""
    beside = file.with_name(file.name + ".part")
    beside.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, file)
