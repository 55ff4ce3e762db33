"""Files of lines to files of answers, by any number of processes on any machines that share the folder of answers.

Every process is called alike.  It takes a shard that nobody has, answers it, and takes the next.  Who has a shard is
known by the system's lock on it, which goes with its process: what a killed process has left is taken over, from its
last batch.  A process ends when all answers are there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rfa_runtime.bar import Bar, progress_bar
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.answers import Worker, check_batch
from rfa_runtime.line_files.convert import LineReport, is_plain
from rfa_runtime.line_files.shards.begin import shared_plan
from rfa_runtime.line_files.shards.join import joined
from rfa_runtime.line_files.shards.plan import Done, Plan
from rfa_runtime.line_files.shards.work import answer_free_shard
from rfa_runtime.wording import Setting

PAUSE = 0.5
"""Seconds until somebody who found nothing to do looks again."""


def convert_shards(
    sources: Sequence[Path | str],
    folder: Path | str,
    worker: Worker[str, str],
    bundle: Bundle,
    settings: Mapping[str, object],
    shards: int = 1,
    batch: int = 16,
    overwrite: bool = False,
) -> LineReport:
    """Answer every line of some files into files of the same names in a folder, together with others that do the same.

    bundle, settings: what the answers depend on; who comes later goes on only where they and the inputs are the same.
    shards: pieces of each file.  batch: lines at once.  Returns what became of all lines, whoever answered them.
    Raises OutputExistsError for answers of something else, OptionError for a setting that cannot work, or for a folder
    on a file system without locks.
    """
    folder = Path(folder)
    files = [Path(source) for source in sources]
    check_batch(batch)
    check_files(files, folder, shards)
    folder.mkdir(parents=True, exist_ok=True)
    plans = []
    for file in files:
        plans.append(shared_plan(file, folder / file.name, bundle, settings, shards, batch, overwrite))
    with progress_bar("lines", sum(plan.lines() for plan in plans)) as bar:
        try:
            ends = work_to_the_end(plans, worker, batch, bar)
        except KeyboardInterrupt:
            bar.say("Stopped: call the same command again to go on.")
            raise
    return LineReport(sum(end.lines for end in ends), sum(end.errors for end in ends))


def work_to_the_end(plans: Sequence[Plan], worker: Worker[str, str], batch: int, bar: Bar) -> list[Done]:
    """Answer shards that nobody has until the answers of all files are there.  Returns what each file came to."""
    ends: dict[Path, Done] = {}
    while len(ends) < len(plans):
        for plan in plans:
            while plan.target not in ends and answer_free_shard(plan, worker, batch, bar):
                pass
        for plan in plans:
            end = joined(plan)
            if end is not None:
                ends[plan.target] = end
        if len(ends) < len(plans):
            time.sleep(PAUSE)  # somebody else has what is left
    return list(ends.values())


def check_files(files: Sequence[Path], folder: Path, shards: int) -> None:
    """Raise OptionError for inputs that cannot be cut, or whose answers would be in each other's way."""
    if shards < 1:
        raise OptionError(Setting("shards"), f" is {shards}, wanted at least 1")
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file: several inputs, or shards, want a folder for their answers")
    names = set()
    for file in files:
        if not is_plain(file):
            with file.open("rb"):  # says why a file cannot be read that is not there
                raise OptionError(f"{file} cannot be read twice: write its lines to a file first")
        if file.name in names:
            raise OptionError(f"two inputs are called {file.name}, their answers would be one file: rename one")
        names.add(file.name)
        if (folder / file.name).exists() and os.path.samefile(folder / file.name, file):
            raise OptionError(f"{file} is an input and would be overwritten: give another folder")
