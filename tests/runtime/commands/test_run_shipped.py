"""rfa-run without a bundle, with token ids, and the line about speed: what a first meeting is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import refused, run
from toy_bundles import environment, toy_files, toy_manifest

from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle
from rfa_runtime.commands.run import SHIPPED, bundle_and_prompt
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.tasks.language import Decoder


@pytest.fixture
def without_tokenizer(tmp_path: Path) -> Bundle:
    files = toy_files()
    del files["tokenizer.json"]
    write_bundle(tmp_path / "mine.rfa", toy_manifest(), files)
    return read_bundle(tmp_path / "mine.rfa")


def test_a_prompt_by_itself_goes_to_the_shipped_bundle() -> None:
    wanted = Decoder(SHIPPED).generate("Tom", SamplingConfig(0.6, top_k=40, seed=4), max_new_tokens=9)
    result = run("Tom", "--seed", 4, "--max-new-tokens", 9)
    assert (result.exit_code, result.stdout) == (0, "Tom" + wanted.text + "\n")
    assert result.stderr.startswith("9 tokens, ")
    assert result.stderr.endswith(" state 92 kB\n")


def test_files_and_ids_by_themselves_go_there_too(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("One day, a dog saw a big tree. He was happy.\n")
    assert run("--score", text).stdout.startswith("perplexity ")
    assert run("--prompt-file", text, "--max-new-tokens", 2).stdout.startswith(text.read_text())
    assert json.loads(run("--ids", "1 2", "--json", "--max-new-tokens", 3).stdout)["prompt_tokens"] == 2


@pytest.mark.parametrize(
    ("first", "second", "options", "wanted"),
    [
        ("Tom", None, [], (SHIPPED, "Tom")),
        ("-", None, [], (SHIPPED, "-")),
        ("to be / or not", None, [], (SHIPPED, "to be / or not")),
        ("x" * 100_000, None, [], (SHIPPED, "x" * 100_000)),
        ("a\0b", None, [], (SHIPPED, "a\0b")),
        (None, None, ["--score"], (SHIPPED, None)),
        ("typo.rfa", None, [], (Path("typo.rfa"), None)),
        ("models/typo", None, [], (Path("models/typo"), None)),
        ("there", None, [], (Path("there"), None)),
        ("typo", None, ["--score"], (Path("typo"), None)),
        ("typo", "a prompt", [], (Path("typo"), "a prompt")),
    ],
)
def test_bundle_and_prompt_are_told_apart(
    first: str | None,
    second: str | None,
    options: list[str],
    wanted: tuple[Path, str | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    assert bundle_and_prompt(first, second, options) == wanted


def test_a_bundle_that_is_not_there_is_no_prompt() -> None:
    refused(run("typo.rfa"), "typo.rfa does not exist, wanted a bundle")
    refused(run("models/typo"), "models/typo does not exist, wanted a bundle")
    refused(run("typo", "--ids", "1"), "typo does not exist, wanted a bundle")
    refused(run(), 'nothing to continue came: give a prompt, such as  rfa-run "Once upon a time"')


def test_ids_go_in_and_come_out_where_there_is_no_tokenizer(without_tokenizer: Bundle) -> None:
    wanted = Decoder(without_tokenizer).generate([7, 8, 9], max_new_tokens=5).token_ids
    for ids in ("7,8,9", "7 8 9", " 7, 8,9"):
        result = run(without_tokenizer.path, "--ids", ids, "--max-new-tokens", 5)
        assert (result.exit_code, result.stdout) == (0, " ".join(map(str, wanted)) + "\n")
    found = json.loads(run(without_tokenizer.path, "--ids", "7,8,9", "--max-new-tokens", 5, "--json").stdout)
    assert found["token_ids"] == wanted


def test_ids_with_a_tokenizer_give_text(toy: Bundle) -> None:
    wanted = Decoder(toy).generate([79, 110], max_new_tokens=5).text
    assert run(toy.path, "--ids", "79,110", "--max-new-tokens", 5).stdout == wanted + "\n"


def test_ids_that_cannot_be_are_refused(toy: Bundle, without_tokenizer: Bundle) -> None:
    refused(run(without_tokenizer.path, "text"), "mine.rfa has no tokenizer: give token ids, such as --ids 1,2,3")
    refused(run(toy.path, "--ids", "1,two"), "--ids is '1,two', wanted whole numbers with commas or spaces between")
    refused(run(toy.path, "--ids", "1,999999"), "the prompt has tokens from 1 to 999999")
    refused(run(toy.path, "--ids", ","), "the prompt is empty")
    refused(run(toy.path, "text", "--ids", "1"), "a prompt and --ids came together")


def test_ctrl_c_while_modules_are_loaded_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    places = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    command = [sys.executable, "-c", "from rfa_runtime.commands.start import main; main()"]
    done = subprocess.run(command, capture_output=True, env=environment() | {"PYTHONPATH": places})
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
