"""`rfa-run` with saved states and with a file of prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import refused, run

from rfa_runtime import Bundle, Decoder


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_saved_text_goes_on(toy: Bundle, texts: Path) -> None:
    whole = run(toy.path, "Once", "--max-new-tokens", 30).stdout
    first = run(toy.path, "Once", "--max-new-tokens", 10, "--save-state", "a.state").stdout
    second = run(toy.path, "--load-state", "a.state", "--max-new-tokens", 20, "--save-state", "a.state").stdout
    assert first.removesuffix("\n") + second == whole
    third = run(toy.path, "b", "--load-state", "a.state", "--max-new-tokens", 3).stdout
    assert third.startswith("b")


def test_states_that_cannot_be_used_are_refused(toy: Bundle, texts: Path) -> None:
    Path("not.state").write_bytes(b"text")
    refused(run(toy.path, "--load-state", "not.state"), "not.state: no state, or a damaged one")
    refused(run(toy.path, "--load-state", "absent.state"), "absent.state")
    refused(run(toy.path, "a", "--save-state", "absent/a.state"), "absent is not a folder")
    refused(run(toy.path, "a", "--json", "--save-state", "a.state"), "--save-state and --json came together")
    Path("in.txt").write_text("a\n")
    refused(run(toy.path, "--input", "in.txt", "--load-state", "a.state"), "--load-state and --input came together")
    refused(run(toy.path, "--score", "in.txt", "--save-state", "a.state"), "--save-state and --score came together")
    refused(run(toy.path, "--chat", "--input", "in.txt"), "--chat and --input came together")
    refused(run(toy.path, "a", "--chat"), "--chat and a prompt came together")
    refused(run(toy.path, "--chat", "--save-state", "a.state"), "--chat and --save-state came together")


def test_every_line_of_a_file_is_continued(toy: Bundle, texts: Path) -> None:
    Path("prompts.txt").write_text("Once\n\nupon a time\n")
    decoder = Decoder(toy, threads=1)
    wanted = [decoder.generate(line, max_new_tokens=9).text for line in ("Once", "upon a time")]
    assert run(toy.path, "--input", "prompts.txt", "--output", "out.txt", "--max-new-tokens", 9).exit_code == 0
    lines = Path("out.txt").read_text().splitlines()
    assert len(lines) == 3
    assert [lines[0], lines[2]] == [
        text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") for text in wanted
    ]
    result = run(toy.path, "--input", "prompts.txt", "--json", "--max-new-tokens", 9)
    assert json.loads(result.stdout.splitlines()[2])["text"] == wanted[1]
