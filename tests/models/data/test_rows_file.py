"""Rows for training: a broken one ends the reading with our own error, and some are kept apart."""

from pathlib import Path

import pytest

from rfa_models.data.rows import all_rows, split_rows
from rfa_models.errors import DataError
from rfa_runtime.line_files.labelled import read_labelled


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\nc\n")
    with pytest.raises(DataError, match=r"a\.tsv:2: the row has 1 column\(s\), wanted 2: text, a tab, label$"):
        all_rows(read_labelled, path)


def test_further_broken_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\nc\nd\ne\tf\ng\n")
    with pytest.raises(DataError, match=r"a\.tsv:2: .*; 2 more row\(s\) are broken"):
        all_rows(read_labelled, path)


def test_a_line_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"ok\tb\nab\xff\n")
    with pytest.raises(DataError, match=r"a\.tsv:2: byte 0xff at offset 2 is not UTF-8"):
        all_rows(read_labelled, path)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("")
    with pytest.raises(DataError, match=r"a\.tsv has no rows"):
        all_rows(read_labelled, path)


def test_rows_for_validation_come_from_all_over_and_are_the_same_every_time() -> None:
    train, valid = split_rows(list(range(100)), 0.1)
    assert sorted(train + valid) == list(range(100))
    assert len(valid) == 10
    assert max(valid) - min(valid) > 40
    assert split_rows(list(range(100)), 0.1) == (train, valid)


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.5), (3, 0.1), (2, 0.9)])
def test_too_few_rows_to_split_are_refused(count: int, fraction: float) -> None:
    with pytest.raises(DataError, match="give more rows, or a validation file"):
        split_rows(list(range(count)), fraction)
