"""The folder of a suite: a file of JSON for each part, written whole: a later run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfa_bench.parts.part import Part, run_part, write

KEEP = "--keep"
JSON = "--json"
PROGRAM = "--llama-server"
"""Options that a person writes otherwise, or not at all."""


ABOUT = ("machine", "versions")
"""What stands beside figures in every result."""


class ResultError(OSError):
    """A file in a folder of results that is none."""


@dataclass(frozen=True)
class Result:
    """What came of a part."""

    name: str
    command: str
    """As a person would write it."""
    seconds: float
    found: dict[str, Any] | None
    """What the measurement printed as JSON; None where it failed."""
    error: str
    """Why it failed; empty where it did not."""

    @property
    def kind(self) -> str:
        """The measurement."""
        return self.command.split()[1]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What was measured; what is not a list is one row."""
        if self.found is None:
            return []
        if "rows" in self.found:
            return list(self.found["rows"])
        return [{name: value for name, value in self.found.items() if name not in ABOUT}]


def run_all(parts: Sequence[Part], folder: Path, limit_s: int, progress: Callable[[str], None]) -> list[Result]:
    """Run every part that has no result yet.  Returns the results of all.

    limit_s: seconds after which a part is ended.
    """
    for number, part in enumerate(parts, 1):
        file = file_of(part, folder)
        if file.exists() and not read_result(file).error:
            progress(f"{number} of {len(parts)}: {part.name}: done before")
            continue
        progress(f"{number} of {len(parts)}: {part.name}")
        entry = run_part(part, limit_s)
        write({"command": command_of(part)} | entry, file)
        progress(f"  {entry['seconds']:.0f} s, {entry.get('error', 'done')}")
    return [read_result(file_of(part, folder)) for part in parts]


def file_of(part: Part, folder: Path) -> Path:
    """Where the result of a part lies."""
    return folder / f"{part.name.replace(' ', '-')}.json"


def read_result(file: Path) -> Result:
    """Read what a part found.  Raises ResultError for a file that is none, OSError as `open` does."""
    try:
        entry = json.loads(file.read_text(encoding="utf-8"))
        return Result(
            name=entry["name"],
            command=entry["command"],
            seconds=entry["seconds"],
            found=entry.get("result"),
            error=entry.get("error", ""),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{file} is no result of rfa-bench all: delete it, it will be measured again") from error


def read_results(folder: Path) -> list[Result]:
    """All results of a folder, by their names."""
    return [read_result(file) for file in sorted(folder.glob("*.json"))]


def command_of(part: Part) -> str:
    """The command of a part without the options that say where things lie, and programs by their names alone."""
    words = ["rfa-bench"]
    arguments = iter(part.arguments[1:])
    for word in arguments:
        if word == KEEP:
            next(arguments)
        elif word == PROGRAM:
            words += [word, Path(next(arguments)).name]
        elif word != JSON:
            words.append(word)
    return " ".join(words)
