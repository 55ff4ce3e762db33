"""One writer at a time, whatever ends a writer."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy_bundles import environment

from rfa_runtime.bundle import process_lock
from rfa_runtime.bundle.process_lock import check_idle, lock_file, writing
from rfa_runtime.errors import OutputBusyError

WRITER = """
import sys, time
from rfa_runtime.bundle.process_lock import writing
try:
    with writing(sys.argv[1]):
        print("writing", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    pass
"""


def another_writer(target: Path) -> subprocess.Popen[bytes]:
    """A process that writes; it has begun when this returns."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    return process


def lock_twice(target: Path) -> None:
    with writing(target), writing(target):
        pass


def test_a_second_process_is_told_of_the_first_and_may_write_once_it_is_gone(tmp_path: Path) -> None:
    with another_writer(tmp_path / "out") as process:
        with pytest.raises(OutputBusyError, match=rf"out is being written by process {process.pid} on [\w.-]+: wait"):
            check_idle(tmp_path / "out")
        check_idle(tmp_path / "other")
        process.send_signal(signal.SIGINT)
    assert list(tmp_path.iterdir()) == [], "Ctrl-C left something"
    check_idle(tmp_path / "out")


def test_a_lock_that_a_killed_process_left_stops_nobody(tmp_path: Path) -> None:
    with another_writer(tmp_path / "out") as process:
        process.kill()
    assert lock_file(tmp_path / "out").exists()
    check_idle(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_all_names_of_a_file_have_one_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("out")
    with writing("out"), pytest.raises(OutputBusyError, match=f"is being written by process {os.getpid()} on "):
        check_idle(tmp_path / "link")


def test_a_block_inside_another_goes_on_only_where_it_says_so(tmp_path: Path) -> None:
    with writing(tmp_path / "out"), writing(tmp_path / "out", nested=True):
        assert lock_file(tmp_path / "out").exists()
    with pytest.raises(OutputBusyError):
        lock_twice(tmp_path / "out")


def test_a_lock_that_was_taken_away_while_it_was_opened_is_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner of a lock removes its file; whoever opened it just before must not believe to be alone."""
    opened: list[int] = []

    def open_and_lose(file: Path, *flags: int) -> int:
        opened.append(os_open(file, *flags))
        if len(opened) == 1:
            file.unlink()
        return opened[-1]

    os_open = os.open
    monkeypatch.setattr(process_lock.os, "open", open_and_lose)
    with writing(tmp_path / "out"):
        assert len(opened) == 2
        assert lock_file(tmp_path / "out").exists()


def test_where_the_system_has_no_locks_work_goes_on_as_if_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(process_lock.fcntl, "flock", flock)
    with writing(tmp_path / "out") as alone, writing(tmp_path / "out") as also_alone:
        assert not alone
        assert not also_alone
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"12", b"\xff\xfe 3\n", b"1 " + b"x" * 999, b"7 a\x1b[2J\n"])
def test_a_lock_that_does_not_say_who_has_it_is_of_another_process(tmp_path: Path, content: bytes) -> None:
    with writing(tmp_path / "out"):
        lock_file(tmp_path / "out").write_bytes(content)
        with pytest.raises(OutputBusyError, match="out is being written by another process: wait for it"):
            check_idle(tmp_path / "out")
