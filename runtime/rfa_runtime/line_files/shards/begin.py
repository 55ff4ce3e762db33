"""The plan that several processes share: who comes first makes it, the others find it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.process_lock import check_idle, writing
from rfa_runtime.errors import OptionError, OutputBusyError, OutputExistsError
from rfa_runtime.line_files.convert import count_lines, origin_of
from rfa_runtime.line_files.progress import Origin
from rfa_runtime.line_files.shards.plan import Done, Plan, cut, folder_of, read_plan, write_plan
from rfa_runtime.wording import OVERWRITE

PAUSE = 0.1
"""Seconds until a turn is asked for again."""


def shared_plan(
    source: Path,
    target: Path,
    bundle: Bundle,
    settings: Mapping[str, object],
    shards: int,
    batch: int,
    overwrite: bool,
) -> Plan:
    """The plan for the answers to a file.  overwrite: a new one takes the place of one for other answers.

    Raises OutputExistsError where there is one for other answers, or a file that belongs to none.
    """
    origin = origin_of(source, bundle, {**settings, "shards": shards, "batch": batch})
    with turn(target):
        found = read_plan(source, target)
        if found is not None and fits(*found, origin):
            return found[0]
        if not overwrite:
            check_nothing_there(None if found is None else found[0], target, origin)
        folder = folder_of(target)
        if folder.exists():
            clear(folder)
        folder.mkdir()
        plan = Plan(source, target, origin, cut(source, count_lines(source), shards, batch))
        write_plan(plan)
        return plan


@contextmanager
def turn(target: Path) -> Iterator[None]:
    """Wait until nobody else works on all shards of a target at once, and keep them for the block.

    Raises OptionError on a file system without locks: two processes would answer the same lines into one file.
    """
    with ExitStack() as stack:
        while not taken(target, stack):
            time.sleep(PAUSE)
        yield


def taken(target: Path, stack: ExitStack) -> bool:
    """Lock a target until a stack is left.  Returns False where somebody else has it."""
    try:
        locked = stack.enter_context(writing(target))
    except OutputBusyError:
        return False
    if not locked:
        raise OptionError(f"{target.parent} is on a file system without locks: shards need them")
    return True


def fits(plan: Plan, joined: Done | None, origin: Origin) -> bool:
    """Whether a plan is for these answers, and their file, where it is written, is as it was left."""
    if plan.origin != origin:
        return False
    if joined is None:
        return True
    return plan.target.is_file() and plan.target.stat().st_size == joined.bytes


def check_nothing_there(plan: Plan | None, target: Path, origin: Origin) -> None:
    """Raise OutputExistsError where other answers are, or have been begun."""
    if plan is not None:
        for name, mine in vars(origin).items():
            if getattr(plan.origin, name) != mine:
                which = "other settings" if name == "settings" else f"another {name}"
                raise OutputExistsError(f"{target} was begun with {which}: give another folder, or ", OVERWRITE)
    if target.exists():
        raise OutputExistsError(f"{target} exists: give another folder, or ", OVERWRITE)


def clear(folder: Path) -> None:
    """Remove the shards of other answers.  Raises OutputBusyError where somebody still writes one."""
    for answers in folder.iterdir():
        if answers.name.isdecimal():
            check_idle(answers)
    shutil.rmtree(folder)
