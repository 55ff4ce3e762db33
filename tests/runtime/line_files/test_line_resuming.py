"""A file of lines whose work was stopped, whenever and however, is continued as if nothing had been."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from loud_lines import Loud, convert, sidecar
from toy_bundles import environment

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OutputExistsError, SessionError
from rfa_runtime.line_files import output as line_output
from rfa_runtime.line_files.convert import LineReport

HANGING = """
import sys, time
from pathlib import Path
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.line_files.convert import convert_lines

bundle, source, target, at = map(Path, sys.argv[1:])

def work(lines):
    if str(at) in lines:
        time.sleep(600)
    return [line.upper() for line in lines]

convert_lines(source, target, Worker(len, work), read_bundle(bundle), {}, batch=3)
"""


def noted(target: Path, lines: int) -> bool:
    return sidecar(target).exists() and json.loads(sidecar(target).read_text())["lines"] == lines


def stopped(files: tuple[Path, Path], bundle: Bundle, at: str, error: BaseException | None = None) -> None:
    """Leave a file half done."""
    error = error or KeyboardInterrupt()
    with pytest.raises(type(error)):
        convert(files, bundle, Loud(at, error))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.txt", tmp_path / "out.txt"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SessionError("out of memory")])
def test_a_stopped_run_goes_on_after_its_last_batch(
    files: tuple[Path, Path], toy: Bundle, error: BaseException
) -> None:
    files[0].write_text("a\n?\nc\nd\ne\n")
    stopped(files, toy, "e", error)
    assert files[1].read_bytes() == b"A\n\nC\nD\n"
    note = json.loads(sidecar(files[1]).read_text())
    assert (note["lines"], note["errors"], note["bytes"]) == (4, 1, 7)
    loud = Loud()
    assert convert(files, toy, loud) == LineReport(5, 1)
    assert loud.batches == [["e"]]
    assert files[1].read_bytes() == b"A\n\nC\nD\nE\n"
    assert not sidecar(files[1]).exists()


def test_ctrl_c_says_how_to_go_on(files: tuple[Path, Path], toy: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    files[0].write_text("a\nb\nc\n")
    stopped(files, toy, "c")
    assert capsys.readouterr().err == "Stopped after 2 lines: call the same command again to go on.\n"


def test_lines_that_were_written_but_not_noted_are_written_once(
    files: tuple[Path, Path], toy: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    files[0].write_text("a\nb\nc\nd\ne\n")
    stopped(files, toy, "c")
    with files[1].open("ab") as output:
        output.write(b"C\nhal")
    assert convert(files, toy, Loud()) == LineReport(5, 0)
    assert files[1].read_bytes() == b"A\nB\nC\nD\nE\n"


def test_an_output_of_something_else_is_not_continued(files: tuple[Path, Path], toy: Bundle, copy_of_toy: Path) -> None:
    files[0].write_text("a\nb\nc\n")
    stopped(files, toy, "c")
    other = Bundle(copy_of_toy, toy.manifest)
    with (copy_of_toy / "manifest.json").open("a") as manifest:
        manifest.write(" ")
    with pytest.raises(OutputExistsError, match="was begun with another bundle"):
        convert(files, other)
    with pytest.raises(OutputExistsError, match="was begun with other settings"):
        convert(files, toy, settings={"beam": 2})
    files[0].write_text("a\nb\nd\n")
    with pytest.raises(OutputExistsError, match="was begun with another input"):
        convert(files, toy)
    assert files[1].read_bytes() == b"A\nB\n"
    convert(files, toy, overwrite=True)
    assert files[1].read_bytes() == b"A\nB\nD\n"


def test_an_output_that_was_edited_is_not_continued(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\nb\nc\n")
    for edited in (b"X\nB\n", b"A\n"):
        files[1].unlink(missing_ok=True)
        stopped(files, toy, "c")
        files[1].write_bytes(edited)
        with pytest.raises(OutputExistsError, match="has changed since it was begun"):
            convert(files, toy)
        assert files[1].read_bytes() == edited


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"{}", b'{"origin": {}}', b'{"origin": 3, "lines": 1}', b"\xff"])
def test_a_note_that_nobody_wrote_is_no_leave_to_overwrite(files: tuple[Path, Path], toy: Bundle, note: bytes) -> None:
    files[0].write_text("a\n")
    files[1].write_text("precious")
    sidecar(files[1]).write_bytes(note)
    with pytest.raises(OutputExistsError, match="exists"):
        convert(files, toy)
    assert files[1].read_text() == "precious"


def test_overwriting_what_was_begun_goes_on_with_it(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("a\nb\nc\n")
    stopped(files, toy, "c")
    loud = Loud()
    convert(files, toy, loud, overwrite=True)
    assert loud.batches == [["c"]]


def test_a_killed_process_neither_loses_nor_doubles_lines(files: tuple[Path, Path], toy: Bundle) -> None:
    files[0].write_text("".join(f"line {number}\n" for number in range(20)))
    command = [sys.executable, "-c", HANGING, toy.path, *files]
    for at, done in (("line 4", 3), ("line 5", 3), ("line 13", 12)):
        with subprocess.Popen([*command, at], env=environment()) as process:
            while process.poll() is None and not noted(files[1], done):
                time.sleep(0.01)
            process.kill()
        assert files[1].read_text() == "".join(f"LINE {number}\n" for number in range(done))
    subprocess.run([*command, "nowhere"], env=environment(), check=True)
    assert files[1].read_text() == files[0].read_text().upper()
    assert not sidecar(files[1]).exists()


def test_the_stop_between_answer_and_note_is_harmless(
    files: tuple[Path, Path], toy: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    files[0].write_text("a\nb\nc\nd\n")
    written, calls = line_output.write_progress, []

    def interrupted(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 3:  # the first is made before any line
            raise KeyboardInterrupt
        written(*arguments)

    monkeypatch.setattr(line_output, "write_progress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(files, toy)
    assert files[1].read_bytes() == b"A\nB\nC\nD\n"
    loud = Loud()
    assert convert(files, toy, loud) == LineReport(4, 0)
    assert loud.batches == [["c", "d"]]
    assert files[1].read_bytes() == b"A\nB\nC\nD\n"
