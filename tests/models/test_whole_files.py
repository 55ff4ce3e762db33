"""Files appear whole or not at all; a failure leaves the old one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rfa_models.whole_files import write_lines
from rfa_runtime.bundle import process_lock
from rfa_runtime.bundle.whole_file import written_whole
from rfa_runtime.errors import OutputBusyError


def lines_that_break_off() -> Iterator[str]:
    yield "new"
    raise KeyboardInterrupt


def test_lines_end_alike_on_every_system_and_are_utf8(tmp_path: Path) -> None:
    write_lines(["fünf", "", "six"], tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_bytes() == b"f\xc3\xbcnf\n\nsix\n"


def test_lines_that_break_off_leave_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write_lines(["old"], tmp_path / "file.txt")
    with pytest.raises(KeyboardInterrupt):
        write_lines(lines_that_break_off(), tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "file.txt"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    write_lines(["old"], tmp_path / "file.txt")
    with written_whole(tmp_path / "file.txt") as file:
        file.write(b"new")
        assert (tmp_path / "file.txt").read_text() == "old\n"
    assert (tmp_path / "file.txt").read_text() == "new"


def test_a_second_writer_is_refused_and_disturbs_nothing(tmp_path: Path) -> None:
    with written_whole(tmp_path / "file.txt") as file, ThreadPoolExecutor() as another:
        file.write(b"first")
        with pytest.raises(OutputBusyError, match="is being written by process"):
            another.submit(write_lines, ["second"], tmp_path / "file.txt").result()
    assert (tmp_path / "file.txt").read_text() == "first"


def test_two_writers_without_locks_do_not_share_a_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_lock, "system_lock", lambda handle: False)
    with written_whole(tmp_path / "file.txt") as file, ThreadPoolExecutor() as another:
        file.write(b"first")
        another.submit(write_lines, ["second"], tmp_path / "file.txt").result()
        assert (tmp_path / "file.txt").read_text() == "second\n"
    assert (tmp_path / "file.txt").read_text() == "first"
    assert list(tmp_path.iterdir()) == [tmp_path / "file.txt"]


def test_what_a_kill_left_goes_with_the_next_save(tmp_path: Path) -> None:
    (tmp_path / ".file.txt.0123abcd.tmp").touch()
    (tmp_path / ".file.txt2.0123abcd.tmp").touch()
    write_lines(["new"], tmp_path / "file.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".file.txt2.0123abcd.tmp", "file.txt"]
