"""A line out for every line in, whatever the lines are."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from loud_lines import Loud, convert, sidecar

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OptionError, OutputBusyError, OutputExistsError
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.line_files.convert import LineReport, convert_lines
from rfa_runtime.line_files.text import read_lines

STANDARD = Path("-")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.txt", tmp_path / "out.txt"


def test_every_line_has_its_answer_in_its_place(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_bytes("one\ntwo\r\nthree\u2028still three\nfour".encode())
    loud = Loud()
    assert convert(files, toy, loud) == LineReport(4, 0)
    assert files[1].read_bytes() == "ONE\nTWO\nTHREE\u2028STILL THREE\nFOUR\n".encode()
    assert loud.batches == [["one", "two"], ["three\u2028still three", "four"]]
    assert not sidecar(files[1]).exists()


def test_bad_lines_leave_an_empty_line_and_a_complaint(
    files: tuple[Path, Path], toy: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    long = b"x" * 1_000_000
    files[0].write_bytes(b"good\n\n\xff\xfe\nwhat?\n" + long + b"\nbetter\n")
    loud = Loud()
    assert convert(files, toy, loud) == LineReport(6, 3)
    assert files[1].read_bytes() == b"GOOD\n\n\n\n\nBETTER\n"
    assert loud.batches == [["good"], ["better"]]
    assert capsys.readouterr().err.splitlines() == [
        f"Error: {files[0]}:3: byte 0xff at offset 0 is not UTF-8: convert the text first",
        f"Error: {files[0]}:4: the line has characters that the model does not know",
        f"Error: {files[0]}:5: the line has 1000000 characters, at most 1000 are read",
    ]


def test_an_answer_is_one_line_whatever_it_says(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\nb\n")
    convert_lines(*files, Worker(len, lambda lines: ["x\ny\r\nz", "\ud800"]), toy, {})
    assert files[1].read_bytes() == b"x y  z\n?\n"


def test_an_empty_file_gives_an_empty_file(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_bytes(b"")
    assert convert(files, toy) == LineReport(0, 0)
    assert files[1].read_bytes() == b""


def test_a_finished_output_is_not_overwritten_unless_asked(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\n")
    convert(files, toy)
    files[0].write_text("b\n")
    with pytest.raises(OutputExistsError, match=r"out.txt exists: give another name, or overwrite=True"):
        convert(files, toy)
    assert files[1].read_bytes() == b"A\n"
    convert(files, toy, overwrite=True)
    assert files[1].read_bytes() == b"B\n"


@pytest.mark.parametrize("from_standard_input", [False, True])
def test_two_at_a_time_are_refused(
    files: tuple[Path, Path], toy: Bundle, monkeypatch: pytest.MonkeyPatch, from_standard_input: bool
) -> None:
    files[0].write_text("a\n")
    source = STANDARD if from_standard_input else files[0]

    def again(lines: list[str]) -> list[str]:
        with pytest.raises(OutputBusyError, match=rf"out.txt is being written by process {os.getpid()} on "):
            convert((source, files[1]), toy, overwrite=True)
        return lines

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))
    convert_lines(source, files[1], Worker(len, again), toy, {})
    assert files[1].read_text() == "a\n"
    assert sorted(files[0].parent.iterdir()) == list(files)


@pytest.mark.skipif(not Path(os.devnull).exists(), reason="devices are no files here")
def test_a_device_is_not_locked(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\n")

    def again(lines: list[str]) -> list[str]:
        convert((files[0], Path(os.devnull)), toy)
        return lines

    assert convert_lines(files[0], Path(os.devnull), Worker(len, again), toy, {}) == LineReport(1, 0)


def test_the_input_is_never_overwritten(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\n")
    note = files[0].rename(files[0].with_name("out.txt.progress"))
    for source, target in ((note, note), (note, note.with_name("out.txt"))):
        with pytest.raises(OptionError, match="would be overwritten"):
            convert((source, target), toy, overwrite=True)
    assert note.read_text() == "a\n"
    with pytest.raises(OptionError, match="batch is 0"):
        convert(files, toy, batch=0)


def test_standard_input_and_output_do_without_a_note(
    files: tuple[Path, Path], toy: Bundle, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n?\nc\n")))
    assert convert((STANDARD, STANDARD), toy) == LineReport(3, 1)
    found = capsysbinary.readouterr()
    assert found.out == b"A\n\nC\n"
    assert found.err == b"Error: standard input:2: the line has characters that the model does not know\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))
    convert((STANDARD, files[1]), toy)
    assert files[1].read_bytes() == b"A\n"
    with pytest.raises(OutputExistsError, match="exists"):
        convert((STANDARD, files[1]), toy)
    assert list(files[1].parent.iterdir()) == [files[1]]


def test_answers_are_there_after_each_batch(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\nb\nc\n")
    seen = []

    def look(lines: list[str]) -> list[str]:
        seen.append(files[1].read_bytes())
        return lines

    convert_lines(*files, Worker(len, look), toy, {}, batch=1)
    assert seen == [b"", b"a\n", b"a\nb\n"]


class Pipe(io.BytesIO):
    """Gives what came in one piece at each reading, as a pipe does."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__(b"".join(pieces))
        self.sizes = list(map(len, pieces))

    def read1(self, size: int | None = -1) -> bytes:
        return self.read(self.sizes.pop(0)) if self.sizes else b""


def test_lines_of_a_pipe_are_answered_as_they_come(
    files: tuple[Path, Path], toy: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces = [b"\xef\xbb\xbfone\n", b"two\nth", b"r", b"ee\r\nfour\n\nfive\n", b"last"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(*pieces)))
    loud = Loud()
    assert convert((STANDARD, files[1]), toy, loud, batch=2) == LineReport(7, 0)
    assert loud.batches == [["one"], ["two"], ["three", "four"], ["five"], ["last"]]
    assert files[1].read_text() == "ONE\nTWO\nTHREE\nFOUR\n\nFIVE\nLAST\n"
    assert capsys.readouterr().err == ""


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert [line.data for line in read_lines([b"\xef\xbb\xbfa\n", b"b"], "x")] == [b"a", b"b"]
