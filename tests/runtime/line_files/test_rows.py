"""Text, lines and rows as both training and scoring read them: every complaint names file and line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toy_bundles import environment

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.rows import json_row, json_text, parse_rows, two_columns
from rfa_runtime.line_files.text import read_text

READERS = ("text", "rows", "pairs", "labelled")


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\u2028b\r\nc\x0bd\n\ne".encode())
    assert parse_rows(path, str).rows == ["a\u2028b", "c\x0bd", "", "e"]


def test_a_last_line_may_lack_its_end(tmp_path: Path) -> None:
    (tmp_path / "with").write_text("a\nb\n")
    (tmp_path / "without").write_text("a\nb")
    assert parse_rows(tmp_path / "with", str).rows == ["a", "b"]
    assert parse_rows(tmp_path / "without", str).rows == ["a", "b"]


def test_a_header_is_passed_over_in_the_first_line_only(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("head\na\nhead\n")
    assert parse_rows(path, str, b"head").rows == ["a", "head"]


@pytest.mark.parametrize("content", ["", "head\n"])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(content)
    with pytest.raises(TextError, match=r"a\.tsv has no rows"):
        parse_rows(path, str, b"head")


def test_a_broken_row_is_named_by_line_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\nc\n")
    found = parse_rows(path, lambda line: two_columns(line, "text", "label"))
    assert str(found.errors[0]) == f"{path}:2: the row has 1 column(s), wanted 2: text, a tab, label"


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "not JSON"), ("[1]", r"the row is \[1\], wanted a JSON object"), ("[" * 5000, "not JSON")],
)
def test_a_row_that_is_no_object_is_refused(line: str, message: str) -> None:
    with pytest.raises(TextError, match=message) as error:
        json_row(line)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", ["3", "null", "[]", '" "', "[" * 900 + "]" * 900])
def test_a_text_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(TextError, match="text"):
        json_text(json_row(f'{{"text": {value}}}'), "text")


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(TextError, match="is not a file's name"):
        read_text("a\0b")


def test_readers_need_the_standard_library_only() -> None:
    """Training reads with them too, and must not wait for what decoding needs."""
    code = "import sys, json\n"
    for name in READERS:
        code += f"import rfa_runtime.line_files.{name}\n"
    code += "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert not set(json.loads(done.stdout)) & {"numpy", "onnxruntime", "tokenizers", "click", "rich", "torch"}
