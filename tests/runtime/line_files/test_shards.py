"""A file that several processes answer together: every line once, in order, whoever is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from loud_lines import Loud
from toy_bundles import environment

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OptionError, OutputBusyError, OutputExistsError
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.line_files.convert import LineReport
from rfa_runtime.line_files.shards.convert import convert_shards
from rfa_runtime.line_files.shards.plan import cut, folder_of

SLOW = """
import sys, time
from pathlib import Path
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.line_files.shards.convert import convert_shards

bundle, source, folder = map(Path, sys.argv[1:])

def work(lines):
    time.sleep(0.01)
    return [line.upper() for line in lines]

convert_shards([source], folder, Worker(len, work), read_bundle(bundle), {}, shards=7, batch=3)
"""


def convert(sources: list[Path], folder: Path, bundle: Bundle, loud: Loud | None = None, **options: Any) -> LineReport:
    settings = {"settings": {}, "batch": 2, "shards": 3} | options
    return convert_shards(sources, folder, (loud or Loud()).worker, bundle, **settings)


def numbered(file: Path, count: int) -> bytes:
    """Write a file of lines.  Returns what the answers must be."""
    lines = [f"line {number} " + "x" * (number % 7) for number in range(count)]
    file.write_text("".join(f"{line}\n" for line in lines))
    return "".join(f"{line.upper()}\n" for line in lines).encode()


@pytest.mark.parametrize(("lines", "count", "batch"), [(0, 3, 2), (1, 3, 2), (5, 2, 2), (20, 3, 4), (21, 50, 2)])
def test_a_file_is_cut_between_batches(tmp_path: Path, lines: int, count: int, batch: int) -> None:
    file = tmp_path / "in.txt"
    numbered(file, lines)
    shards = cut(file, lines, count, batch)
    assert len(shards) <= count
    assert sum(shard.lines for shard in shards) == lines
    assert all((shard.first - 1) % batch == 0 for shard in shards)
    data = file.read_bytes()
    for shard in shards:
        assert data[: shard.start].count(b"\n") == shard.first - 1


def test_files_are_answered_into_a_folder_in_their_order(tmp_path: Path, toy: Bundle) -> None:
    one = tmp_path / "one.txt"
    two = tmp_path / "two.txt"
    wanted = numbered(one, 11)
    two.write_text("a\n\n?\nlast")
    answers = tmp_path / "answers"
    assert convert([one, two], answers, toy) == LineReport(15, 1)
    assert (answers / "one.txt").read_bytes() == wanted
    assert (answers / "two.txt").read_bytes() == b"A\n\n\nLAST\n"
    again = Loud()
    assert convert([one, two], answers, toy, again) == LineReport(15, 1)
    assert again.batches == []


def test_complaints_name_the_line_of_the_file(tmp_path: Path, toy: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "in.txt"
    file.write_text("a\n" * 8 + "?\n")
    convert([file], tmp_path / "answers", toy)
    assert capsys.readouterr().err == (f"Error: {file}:9: the line has characters that the model does not know\n")


def test_a_stopped_shard_goes_on_after_its_last_batch(
    tmp_path: Path, toy: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.txt"
    wanted = numbered(file, 12)
    answers = tmp_path / "answers"
    with pytest.raises(KeyboardInterrupt):
        convert([file], answers, toy, Loud("line 6 xxxxxx", KeyboardInterrupt()))
    assert capsys.readouterr().err == "Stopped: call the same command again to go on.\n"
    assert not (answers / "in.txt").exists()
    loud = Loud()
    convert([file], answers, toy, loud)
    assert [batch[0].split()[1] for batch in loud.batches] == ["6", "8", "10"]
    assert (answers / "in.txt").read_bytes() == wanted


def test_threads_as_processes_share_the_work(tmp_path: Path, toy: Bundle) -> None:
    file = tmp_path / "in.txt"
    wanted = numbered(file, 60)
    workers = [Loud() for _ in range(3)]
    reports = []

    def work(loud: Loud) -> None:
        reports.append(convert([file], tmp_path / "answers", toy, loud, shards=10))

    threads = [threading.Thread(target=work, args=(loud,)) for loud in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [LineReport(60, 0)] * 3
    assert (tmp_path / "answers" / "in.txt").read_bytes() == wanted
    assert sum(len(batch) for loud in workers for batch in loud.batches) == 60


def test_damaged_answers_are_written_again(tmp_path: Path, toy: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "in.txt"
    wanted = numbered(file, 12)
    answers = tmp_path / "answers"
    with pytest.raises(KeyboardInterrupt):
        convert([file], answers, toy, Loud("line 6 xxxxxx", KeyboardInterrupt()))
    (folder_of(answers / "in.txt") / "0000").write_bytes(b"half a li")
    assert convert([file], answers, toy) == LineReport(12, 0)
    assert (answers / "in.txt").read_bytes() == wanted


def test_answers_of_something_else_stay(tmp_path: Path, toy: Bundle) -> None:
    file = tmp_path / "in.txt"
    wanted = numbered(file, 12)
    answers = tmp_path / "answers"
    convert([file], answers, toy)
    with pytest.raises(OutputExistsError, match="was begun with other settings"):
        convert([file], answers, toy, shards=4)
    assert convert([file], answers, toy, shards=4, overwrite=True) == LineReport(12, 0)
    assert (answers / "in.txt").read_bytes() == wanted
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "in.txt").write_text("dear")
    with pytest.raises(OutputExistsError, match=r"in.txt exists: give another folder"):
        convert([file], tmp_path / "mine", toy)
    assert (tmp_path / "mine" / "in.txt").read_text() == "dear"


def test_answers_that_somebody_writes_are_not_replaced(tmp_path: Path, toy: Bundle) -> None:
    file = tmp_path / "in.txt"
    wanted = numbered(file, 12)
    answers = tmp_path / "answers"

    def work(lines: list[str]) -> list[str]:
        with pytest.raises(OutputBusyError, match="is being written by process"):
            convert([file], answers, toy, shards=4, overwrite=True)
        return [line.upper() for line in lines]

    convert_shards([file], answers, Worker(len, work), toy, {}, shards=3, batch=2)
    assert (answers / "in.txt").read_bytes() == wanted


def test_what_cannot_be_shared_is_refused(tmp_path: Path, toy: Bundle) -> None:
    file = tmp_path / "in.txt"
    numbered(file, 3)
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "in.txt"
    numbered(twin, 3)
    with pytest.raises(OptionError, match=r"two inputs are called in\.txt"):
        convert([file, twin], tmp_path / "answers", toy)
    with pytest.raises(OptionError, match="is an input and would be overwritten"):
        convert([file], tmp_path, toy)
    with pytest.raises(OptionError, match="is a file"):
        convert([file], twin, toy)
    with pytest.raises(OptionError, match="cannot be read twice"):
        convert([Path("/dev/null")], tmp_path / "answers", toy)
    with pytest.raises(FileNotFoundError):
        convert([tmp_path / "none.txt"], tmp_path / "answers", toy)
    with pytest.raises(OptionError, match="shards is 0"):
        convert([file], tmp_path / "answers", toy, shards=0)


def test_killed_processes_lose_no_line_and_double_none(tmp_path: Path, toy: Bundle) -> None:
    file = tmp_path / "in.txt"
    wanted = numbered(file, 400)
    answers = tmp_path / "answers"
    draw = random.Random(0)
    command = [sys.executable, "-c", SLOW, str(toy.path), str(file), str(answers)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE)

    running = [start(), start()]
    for _ in range(4):
        time.sleep(0.4)
        victim = running.pop(draw.randrange(2))
        victim.kill()
        victim.communicate()
        running.append(start())
    for process in running:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert (answers / "in.txt").read_bytes() == wanted
