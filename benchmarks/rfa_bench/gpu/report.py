"""Run parts one after the other and keep one file of what they found, whatever becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rfa_bench.machine import ask_driver, machine, versions
from rfa_bench.parts.part import Part, run_part, write

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
