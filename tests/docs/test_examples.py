"""The programs of examples/ run, and run again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT
from toy_classifiers import write_classifier

PROGRAMS = ROOT / "examples" / "python"
TRANSLATOR = ROOT / "tests" / "data" / "before_folders" / "translator.rfa"


def run(program: str, *arguments: object) -> list[str]:
    """Run a program twice.  Returns the lines that it prints, the same each time."""
    command = [sys.executable, str(PROGRAMS / program), *map(str, arguments)]
    outputs = []
    for _ in range(2):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout.splitlines())
    assert len(outputs[0]) == len(outputs[1])
    return outputs[1]


def test_stream() -> None:
    assert run("stream.py")[0].startswith("Once upon a time")


def test_batch() -> None:
    lines = run("batch.py")
    assert any(line.startswith("One day, a dog") for line in lines)
    assert lines.count("--- 40 tokens, 92,160 bytes of state") == 3


def test_many_processes() -> None:
    lines = run("many_processes.py")
    starts = [line[:4] for line in lines]
    assert starts.index("Once") < starts.index("Lily") < starts.index("One ") < starts.index("The ")


def test_translate_file(tmp_path: Path) -> None:
    source = tmp_path / "words.txt"
    source.write_text("two hundred five\none\n" * 9, encoding="utf-8")
    run("translate_file.py", TRANSLATOR, source, tmp_path / "zahlen.txt")
    assert len((tmp_path / "zahlen.txt").read_text(encoding="utf-8").splitlines()) == 18


def test_classify(tmp_path: Path) -> None:
    write_classifier(tmp_path / "toy.rfa")
    lines = run("classify.py", tmp_path / "toy.rfa", "abc", "xyz")
    assert [line.rpartition(": ")[2] for line in lines] == ["abc", "xyz"]


def test_export_module(tmp_path: Path) -> None:
    (line,) = run("export_module.py", tmp_path / "mine.rfa")[-1:]
    assert len(line.split(",")) == 8


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.name)
def test_a_program_is_short_and_says_how_it_is_called(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    assert f"python examples/python/{program.name}" in text
