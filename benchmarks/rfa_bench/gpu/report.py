"""Run parts one after the other and keep one file of what they found, whatever becomes of each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rfa_bench.gpu.parts import Part
from rfa_bench.machine import ask_driver, machine, versions
from rfa_bench.processes.ask import LAST_WORDS

FACTS = "name,driver_version,memory.total,compute_cap"
"""Of each GPU."""


def run_parts(
    parts: Sequence[Part], head: dict[str, Any], file: Path, limit_s: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Run every part and write the file after each, so that nothing is lost.  Returns what the file holds.

    head: what the report begins with.  limit_s: seconds after which a part is ended.
    """
    found: list[dict[str, Any]] = []
    report = head | {"machine": machine(), "versions": versions(), "gpus": ask_driver(FACTS), "parts": found}
    write(report, file)
    for number, part in enumerate(parts, 1):
        progress(f"{number} of {len(parts)}: {part.name}")
        entry = run_part(part, limit_s)
        found.append(entry)
        write(report, file)
        progress(f"  {entry['seconds']:.0f} s, {entry.get('error', 'done')}")
    return report


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
