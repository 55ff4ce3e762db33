"""Where a file of lines is cut, and what is known of its pieces.

    OUTPUT/NAME              the answers, once all are there
    OUTPUT/.NAME.shards/     what the processes share until then
        plan.json            what the answers are made from, and where the input is cut
        0003                 answers of shard 3, and `0003.progress` while they are written
        0003.done            how many there are, and their sha256: written last

Borders lie between batches: the lines that are worked on together are those of one process that does it all, so the
answers are the same to the last byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rfa_runtime.bundle.whole_file import written_whole
from rfa_runtime.line_files.progress import Origin

PLAN = "plan.json"
DONE = ".done"


@dataclass(frozen=True)
class Shard:
    """Some lines of a file that follow one another."""

    first: int
    """Number of its first line, from 1."""
    lines: int
    start: int
    """Where it begins, in bytes."""


@dataclass(frozen=True)
class Done:
    """What is known of answers that are complete."""

    lines: int
    errors: int
    """Lines that are empty because nothing could be made of their input."""
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Plan:
    """A file, its pieces, and where their answers go."""

    source: Path
    target: Path
    """Where the answers of all pieces go in the end."""
    origin: Origin
    shards: tuple[Shard, ...]

    @property
    def folder(self) -> Path:
        """What the processes share."""
        return folder_of(self.target)

    def answers(self, number: int) -> Path:
        """The answers of a shard."""
        return self.folder / f"{number:04}"

    def lines(self) -> int:
        """Of the whole file."""
        return sum(shard.lines for shard in self.shards)


def folder_of(target: Path) -> Path:
    """The folder that the processes share."""
    return target.with_name(f".{target.name}.shards")


def cut(source: Path, lines: int, count: int, batch: int) -> tuple[Shard, ...]:
    """Cut a file of so many lines into `count` pieces of whole batches, or fewer where it has not so many."""
    batches = -(-lines // batch)
    length = max(1, -(-batches // count)) * batch
    shards = []
    start = 0
    with source.open("rb") as stream:
        for first in range(1, lines + 1, length):
            here = min(length, lines - first + 1)
            shards.append(Shard(first, here, start))
            start += sum(map(len, islice(stream, here)))
    return tuple(shards)


def lines_of(plan: Plan, shard: Shard) -> Iterator[bytes]:
    """Yield the lines of a shard as they are in the file."""
    with plan.source.open("rb") as stream:
        stream.seek(shard.start)
        yield from islice(stream, shard.lines)


def write_plan(plan: Plan, joined: Done | None = None) -> None:
    """Write a plan, whole or not at all.  joined: what is known of all answers together, once they are."""
    table = {
        "origin": asdict(plan.origin),
        "shards": [asdict(shard) for shard in plan.shards],
        "joined": None if joined is None else asdict(joined),
    }
    with written_whole(plan.folder / PLAN) as file:
        file.write(json.dumps(table, indent=1).encode())


def read_plan(source: Path, target: Path) -> tuple[Plan, Done | None] | None:
    """Read what `write_plan` wrote for a target; None where there is nothing, or nothing of this program."""
    try:
        table = json.loads((folder_of(target) / PLAN).read_bytes())
        shards = tuple(Shard(**shard) for shard in table["shards"])
        joined = None if table["joined"] is None else Done(**table["joined"])
        return Plan(source, target, Origin(**table["origin"]), shards), joined
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def read_end(plan: Plan) -> Done | None:
    """What all answers came to; None while nobody has put them together."""
    found = read_plan(plan.source, plan.target)
    return None if found is None else found[1]


def note_done(plan: Plan, number: int, done: Done) -> None:
    """Write that the answers of a shard are complete."""
    with written_whole(done_file(plan, number)) as file:
        file.write(json.dumps(asdict(done)).encode())


def open_shards(plan: Plan) -> list[int]:
    """The numbers of the shards whose answers are not complete: one look at the folder, however many there are."""
    names = set(os.listdir(plan.folder))
    return [number for number in range(len(plan.shards)) if done_file(plan, number).name not in names]


def read_done(plan: Plan, number: int) -> Done | None:
    """What is known of a shard's answers; None while they are not complete."""
    try:
        found: dict[str, Any] = json.loads(done_file(plan, number).read_bytes())
        return Done(**found)
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return None


def done_file(plan: Plan, number: int) -> Path:
    """The note beside a shard's answers."""
    return plan.folder / f"{number:04}{DONE}"
