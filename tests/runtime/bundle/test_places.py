from __future__ import annotations

import os
from pathlib import Path

import pytest

from rfa_runtime.bundle.places import check_folder_of, check_readable


def test_files_that_can_be_read_pass(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a", encoding="utf-8")
    check_readable(file, None, str(file))


@pytest.mark.parametrize(
    ("name", "message"), [("absent", "No such file"), (".", "Is a directory"), ("a\0b", "is not a file's name")]
)
def test_the_first_file_that_cannot_is_named(name: str, message: str) -> None:
    with pytest.raises(OSError, match=message):
        check_readable(__file__, name)


def test_a_pipe_is_left_alone(tmp_path: Path) -> None:
    """Opening it would wait for a writer."""
    os.mkfifo(tmp_path / "pipe")
    check_readable(tmp_path / "pipe")


def test_the_folder_of_an_output_must_be_there(tmp_path: Path) -> None:
    check_folder_of(tmp_path / "new.rfa")
    check_folder_of("new.rfa")
    with pytest.raises(NotADirectoryError, match="absent is not a folder: make it first"):
        check_folder_of(tmp_path / "absent" / "new.rfa")
