"""The answers of all shards become one file, in their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from rfa_runtime.bundle.whole_file import written_whole
from rfa_runtime.line_files.shards.begin import turn
from rfa_runtime.line_files.shards.plan import Done, Plan, done_file, open_shards, read_done, read_end, write_plan

PART = 1 << 20
"""Bytes read at once."""


def joined(plan: Plan) -> Done | None:
    """What all answers came to; None while some are not complete.  Who comes first writes the file."""
    if open_shards(plan):
        return read_end(plan)
    with turn(plan.target):
        end = read_end(plan)
        if end is not None:
            return end
        if remove_damaged(plan):
            return None
        end = write_all(plan)
        write_plan(plan, end)
        for number in range(len(plan.shards)):
            plan.answers(number).unlink(missing_ok=True)
            done_file(plan, number).unlink(missing_ok=True)
        return end


def remove_damaged(plan: Plan) -> bool:
    """Remove the shards that are not what was noted of them, as after a power cut.  Returns whether there were some."""
    damaged = False
    for number in range(len(plan.shards)):
        done = read_done(plan, number)
        if done is None or done != read_again(plan, number, done):
            plan.answers(number).unlink(missing_ok=True)
            done_file(plan, number).unlink(missing_ok=True)
            damaged = True
    return damaged


def read_again(plan: Plan, number: int, done: Done) -> Done | None:
    """What is in a shard's file now; None where there is none."""
    try:
        with plan.answers(number).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
            return Done(done.lines, done.errors, stream.tell(), digest.hexdigest())
    except FileNotFoundError:
        return None


def write_all(plan: Plan) -> Done:
    """Write the answers of all shards into the target, one shard after the other."""
    digest = hashlib.sha256()
    size = 0
    lines = 0
    errors = 0
    with written_whole(plan.target) as file:
        for number in range(len(plan.shards)):
            done = read_done(plan, number)
            assert done is not None, "looked at before"
            lines += done.lines
            errors += done.errors
            with plan.answers(number).open("rb") as stream:
                for part in parts(stream):
                    file.write(part)
                    digest.update(part)
                    size += len(part)
    return Done(lines, errors, size, digest.hexdigest())


def parts(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    while part := stream.read(PART):
        yield part
