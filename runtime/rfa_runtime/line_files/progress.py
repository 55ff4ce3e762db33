"""How far a file of lines has come: a small file beside the output, from which a stopped run continues.

    OUTPUT             the lines that are done, and perhaps a few bytes more
    OUTPUT.progress    how many lines and bytes of it are certain, and what they were made from

The note is written after the lines: what it says is true whenever the process is killed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

SUFFIX = ".progress"
NOTHING = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class Origin:
    """What the output is made from, as sha256: it goes on only if all are the same."""

    input: str
    bundle: str
    """Of the bundle's manifest, which has the sums of all other files."""
    settings: str


@dataclass(frozen=True)
class LineProgress:
    """What is certain about an output."""

    origin: Origin
    lines: int = 0
    errors: int = 0
    """Lines among them that are empty because nothing could be made of their input."""
    bytes: int = 0
    output: str = NOTHING
    """sha256 of these bytes."""


def progress_file(output: Path) -> Path:
    """The file that lies beside an output."""
    return output.with_name(output.name + SUFFIX)


def write_progress(output: Path, progress: LineProgress) -> None:
    """Replace the note in one step: a process that is killed leaves the old note or the new one."""
    file = progress_file(output)
    draft = file.with_name(file.name + ".new")
    draft.write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    draft.replace(file)


def read_progress(output: Path) -> LineProgress | None:
    """Read the note of an output; None where there is none, or none that this program wrote."""
    try:
        table = json.loads(progress_file(output).read_bytes())
        found = LineProgress(Origin(**table.pop("origin")), **table)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if is_sound(found) else None


def is_sound(note: LineProgress) -> bool:
    """Whether every field of a note has its type, and counts are not negative."""
    for count in (note.lines, note.errors, note.bytes):
        if type(count) is not int or count < 0:
            return False
    for text in (note.output, *vars(note.origin).values()):
        if type(text) is not str:
            return False
    return True


def sha256_of_settings(settings: object) -> str:
    """Return the sha256 of settings that JSON can hold.  The order of their names makes no difference."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
