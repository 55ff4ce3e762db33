"""Data files row by row: every complaint names file and line."""

from pathlib import Path

import pytest

from rfa_models.data.rows import json_row, json_text, parse_rows, read_lines, split_rows, two_columns
from rfa_models.errors import DataError


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\u2028b\r\nc\x0bd\n\ne".encode())
    assert read_lines(path) == ["a\u2028b", "c\x0bd", "", "e"]


def test_a_last_line_may_lack_its_end(tmp_path: Path) -> None:
    (tmp_path / "with").write_text("a\nb\n")
    (tmp_path / "without").write_text("a\nb")
    assert read_lines(tmp_path / "with") == read_lines(tmp_path / "without") == ["a", "b"]


def test_a_line_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"ok\nab\xff\n")
    with pytest.raises(DataError, match=r"a\.txt:2: byte 2 is not UTF-8"):
        read_lines(path)


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\nc\n")
    with pytest.raises(DataError, match=r"a\.tsv:2: the row has 1 column\(s\), wanted 2: text, a tab, label"):
        parse_rows(path, lambda line: two_columns(line, "text", "label"))


def test_a_header_is_passed_over_in_the_first_line_only(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("head\na\nhead\n")
    assert parse_rows(path, str, "head") == ["a", "head"]


@pytest.mark.parametrize("content", ["", "head\n"])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(content)
    with pytest.raises(DataError, match=r"a\.tsv has no rows"):
        parse_rows(path, str, "head")


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "not JSON"), ("[1]", r"the row is \[1\], wanted a JSON object"), ("[" * 5000, "not JSON")],
)
def test_a_row_that_is_no_object_is_refused(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        json_row(line)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", ["3", "null", "[]", '" "'])
def test_a_text_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(DataError, match="text"):
        json_text(json_row(f'{{"text": {value}}}'), "text")


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
