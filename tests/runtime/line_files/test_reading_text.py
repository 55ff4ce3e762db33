"""One way of reading text: whatever system wrote it, the model sees the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.labelled import read_labelled
from rfa_runtime.line_files.pairs import read_pairs
from rfa_runtime.line_files.text import fault_of, read_text, whole_text

BOM = b"\xef\xbb\xbf"


def test_marks_and_line_ends_of_other_systems_are_no_part_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(BOM + b"ROMEO:\r\nyes\rno\n")
    assert read_text(tmp_path / "text") == "ROMEO:\nyes\rno\n"
    assert whole_text("a\ufeffb".encode(), "x") == "a\ufeffb", "within a text it is a character"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"ab\0c", "text: a NUL at offset 2: wanted text in UTF-8, not a binary file or UTF-16"),
        ("text".encode("utf-16-le"), "text: a NUL at offset 1"),
        ("text".encode("utf-16"), "text: byte 0xff at offset 0 is not UTF-8"),
        (b"a\xed\xa0\x80", "text: byte 0xed at offset 1 is not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "text").write_bytes(data)
    with pytest.raises(TextError, match=words):
        read_text(tmp_path / "text")


def test_faults_of_strings_have_a_place() -> None:
    assert fault_of("plain \u00e9 \U0001f600 \n") is None
    assert fault_of("ab\0") == "a NUL at character 2"
    assert fault_of("a\ud83d") == "half a character ('\\ud83d') at character 1"


def test_rows_cannot_smuggle_them_in(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "a\\u0000b", "label": "x"}\n{"text": "c", "label": "x"}\n')
    found = read_labelled(rows)
    assert [row.text for row in found.rows] == ["c"]
    assert str(found.errors[0]).endswith("rows.jsonl:1: the text has a NUL at character 1: write it without")
    rows.write_text('{"source": "a", "target": "\\ud83d"}\n')
    assert "the target has half a character" in str(read_pairs([rows]).errors[0])
