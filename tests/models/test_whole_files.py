"""Files appear whole or not at all; a failure leaves the old one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rfa_models.whole_files import write_lines, written_whole


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
