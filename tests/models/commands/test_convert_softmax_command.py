"""`rfa-convert` of softmax models, as a terminal calls it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from others_models import LLAMA, llama_tensors, write_folder, write_llama2c

from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.commands.convert import EPILOG, main

SMALL = ["--length", "16", "--samples", "1024", "--random-vectors", "8", "--threads", "1"]


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "llama", LLAMA, llama_tensors())


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_json_has_the_names_of_the_contract(teacher: Path, tmp_path: Path) -> None:
    code, printed, _ = run(teacher, "-o", tmp_path / "a.pt", "--tokens", 256, *SMALL, "--json")
    assert code == 0
    found = json.loads(printed)
    assert set(found) == {"model", "teacher_perplexity", "perplexity", "ratio", "tokens", "seconds", "report"}
    assert found["tokens"] == 256


def test_the_example_of_the_help_can_be_parsed() -> None:
    arguments = EPILOG.partition("rfa-convert ")[2].split()
    found = main.make_context("rfa-convert", arguments)
    assert found.params["minutes"] == 60


def test_a_model_of_llama2c_finds_its_tokenizer(tmp_path: Path) -> None:
    model = write_llama2c(tmp_path, llama_tensors(tied=True))
    code, printed, _ = run(model, "-o", tmp_path / "a.pt", "--no-training", *SMALL)
    assert code == 0
    assert "after 0 tokens" in printed
    (tmp_path / "tok11.bin").rename(tmp_path / "elsewhere.bin")
    code, _, complaint = run(model, "-o", tmp_path / "b.pt", "--no-training", *SMALL)
    assert code == 2
    assert "name its tokenizer with --tokenizer" in complaint
    code, _, _ = run(model, "-o", tmp_path / "b.pt", "--no-training", "--tokenizer", tmp_path / "elsewhere.bin", *SMALL)
    assert code == 0


def test_window_and_sinks_reach_the_model(teacher: Path, tmp_path: Path) -> None:
    code, _, _ = run(teacher, "-o", tmp_path / "a.pt", "--tokens", 128, "--window", 4, "--sinks", 2, *SMALL)
    assert code == 0
    found = load_checkpoint(tmp_path / "a.pt")
    assert found.model.config.attention.window == 4
    assert found.model.config.attention.sinks == 2
    assert set(found.training["conversion"]["controls"]) == {"no attention", "window alone", "sums alone"}


def test_a_model_is_written_in_the_layout_of_hugging_face(teacher: Path, tmp_path: Path) -> None:
    code, printed, _ = run(teacher, "--save-pretrained", "-o", tmp_path / "again", "--json")
    assert code == 0
    assert json.loads(printed) == {"model": str(tmp_path / "again")}
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "again" / name).is_file()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["llama", "--dictionary", "d.txt"], "--dictionary is for checkpoints of the authors' release"),
        (["release.pt", "--tokens", "5"], "--tokens is for softmax models"),
        (["llama", "--samples", "0"], "there is nothing to learn from"),
        (["llama", "--sinks", "2"], "sinks = 2 without a window"),
        (["llama", "--text", "absent.txt"], "absent.txt"),
        (["llama", "--tokenizer", "release.pt"], "--tokenizer is for models of llama2.c"),
        (["llama", "--tokens", "5"], "a step reads 512"),
        (["absent.gguf"], "absent.gguf"),
        (["empty"], "has no config.json"),
        (["llama", "-o", "."], "is a folder"),
        (["llama", "--save-pretrained", "-o", "empty", "--tokens", "5"], "--tokens with --save-pretrained"),
        (["llama", "--save-pretrained", "-o", "llama"], "llama exists: name a folder that is new or empty"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release.pt").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    code, printed, said = run(*arguments)
    assert code == 2
    assert printed == ""
    assert complaint in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_conversion_that_was_killed_ends_as_one_that_was_not(teacher: Path, tmp_path: Path) -> None:
    lessons = ["--tokens", "19200", *SMALL]
    command = [sys.executable, "-m", "rfa_models.commands.convert", str(teacher), "-o"]
    process = subprocess.Popen([*command, str(tmp_path / "cut.pt"), *lessons], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "cut.pt.resume").exists():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (tmp_path / "cut.pt").exists()
    for name in ("cut.pt", "whole.pt"):
        code, _, _ = run(teacher, "-o", tmp_path / name, *lessons)
        assert code == 0
    wanted = load_checkpoint(tmp_path / "whole.pt").model.state_dict()
    for name, tensor in load_checkpoint(tmp_path / "cut.pt").model.state_dict().items():
        assert torch.equal(tensor, wanted[name])
