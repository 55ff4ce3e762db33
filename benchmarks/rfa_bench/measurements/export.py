"""What an export takes: `rfa-export` as a user runs it, its time and the most memory that it ever held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.processes.ask import LAST_WORDS, ProbeError, ask

KILOBYTE = 1024
"""Unit of ru_maxrss on Linux."""
FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Export:
    """One export."""

    parameters: int
    model_bytes: int
    """Of its weights in float32."""
    bundle_bytes: int
    seconds: float
    peak_rss_bytes: int
    memory_ratio: float
    """Peak over the model's bytes."""


def measure(size: str, folder: Path, options: tuple[str, ...], progress: Callable[[str], None]) -> Export:
    """Export a model of a named shape with random weights.  Raises ProbeError with what rfa-export says if it fails.

    The model is drawn in a process for itself: a process begins with the peak of the one that starts it, and this one
    must stay small.
    """
    checkpoint = folder / "model.pt"
    bundle = folder / "model.rfa"
    progress("draw a model")
    parameters: int = ask("random_model", size, checkpoint)
    progress(f"export {parameters:,} parameters")
    started = time.perf_counter()
    peak = run_export([str(checkpoint), "-o", str(bundle), "--overwrite", *options])
    seconds = time.perf_counter() - started
    model_bytes = parameters * FLOAT32_BYTES
    written = sum(file.stat().st_size for file in bundle.iterdir())
    return Export(parameters, model_bytes, written, seconds, peak, peak / model_bytes)


def run_export(arguments: list[str]) -> int:
    """Run rfa-export to its end.  Returns the most bytes that its process held."""
    command = [sys.executable, "-m", "rfa_export.commands.export", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ProbeError(f"rfa-export ended with exit code {process.returncode}: {said.strip()[-LAST_WORDS:]}")
    return usage.ru_maxrss * KILOBYTE
