"""rfa-run as people and programs use it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command_line import COMMAND, GENERATION, refused, run
from toy_bundles import environment, toy_files, toy_manifest

from rfa_runtime.bundle.bundle import Bundle, write_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.commands.run_language import with_escapes
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.tasks.language import Decoder


def test_the_text_follows_the_prompt(toy: Bundle) -> None:
    result = run(toy.path, "Once", "--max-new-tokens", 20)
    assert result.exit_code == 0
    assert result.stdout == "Once" + Decoder(toy).generate("Once", max_new_tokens=20).text + "\n"
    assert re.fullmatch(r"20 tokens, [\d,]+ tokens/s, state [\d,]+ kB\n", result.stderr)


def test_json_is_one_object_with_the_names_of_the_contract(toy: Bundle) -> None:
    result = run(toy.path, "Once", "--json", "--max-new-tokens", 20)
    found = json.loads(result.stdout)
    assert found.keys() == GENERATION
    assert result.stdout.count("\n") == 1
    assert found["token_ids"] == Decoder(toy).generate("Once", max_new_tokens=20).token_ids


def test_the_score_has_the_names_of_the_contract(toy: Bundle, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("some text to score")
    found = json.loads(run(toy.path, "--score", tmp_path / "text", "--json").stdout)
    assert found.keys() == {"perplexity", "tokens", "items", "bits_per_byte", "bytes"}
    assert (found["tokens"], found["items"]) == (17, 2)
    words = run(toy.path, "--score", tmp_path / "text", "--segment", 0).stdout
    assert "over 17 tokens in 1 segments" in words


@pytest.mark.parametrize(
    ("options", "sampling"),
    [
        ([], SamplingConfig()),
        (["--temperature", 1.5, "--seed", 3], SamplingConfig(temperature=1.5, seed=3)),
        (["--seed", 3], SamplingConfig(temperature=1.0, seed=3)),
        (["--seed", 3, "--temperature", 0], SamplingConfig()),
        (
            ["--seed", 3, "--top-k", 5, "--top-p", 0.7, "--repetition-penalty", 1.3],
            SamplingConfig(1.0, top_k=5, top_p=0.7, repetition_penalty=1.3, seed=3),
        ),
    ],
)
def test_sampling_options_reach_the_sampler(toy: Bundle, options: list[Any], sampling: SamplingConfig) -> None:
    found = json.loads(run(toy.path, "Once", "--json", *options).stdout)
    assert found["token_ids"] == Decoder(toy).generate("Once", sampling).token_ids


def test_options_go_over_the_bundles_own(toys: Callable[..., Bundle]) -> None:
    toy = toys(sampling={"temperature": 1.5, "seed": 3})
    found = json.loads(run(toy.path, "Once", "--json", "--seed", 4).stdout)
    wanted = Decoder(toy).generate("Once", SamplingConfig(temperature=1.5, seed=4))
    assert found["token_ids"] == wanted.token_ids


def test_stop_strings_and_the_end_token(toys: Callable[..., Bundle]) -> None:
    whole = Decoder(toys()).generate("Once", max_new_tokens=30)
    stop = whole.text[4:6]
    found = json.loads(run(toys().path, "Once", "--json", "--stop", "not there", "--stop", stop).stdout)
    assert (found["text"], found["finish_reason"]) == (whole.text[: whole.text.index(stop)], "stop")
    ending = toys(special_ids=SpecialIds(eos=whole.token_ids[3]))
    assert len(json.loads(run(ending.path, "Once", "--json").stdout)["token_ids"]) <= 4
    ignored = json.loads(run(ending.path, "Once", "--json", "--ignore-eos", "--max-new-tokens", 30).stdout)
    assert ignored["token_ids"] == whole.token_ids


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(r"\n\n", "\n\n"), (r"a\tb\r", "a\tb\r"), (r"\\n", r"\n"), (r"\d", r"\d"), ("\\", "\\"), ("\n", "\n")],
)
def test_a_stop_string_may_name_a_line_end(given: str, wanted: str) -> None:
    assert with_escapes(given) == wanted


def test_a_text_stops_at_the_line_end_that_was_named(toys: Callable[..., Bundle]) -> None:
    whole = Decoder(toys(), threads=1).generate("Once", max_new_tokens=2000, temperature=100, seed=1)
    assert "\n" in whole.text
    options = ["--max-new-tokens", 2000, "--temperature", 100, "--seed", 1, "--stop", r"\n"]
    found = json.loads(run(toys().path, "Once", "--json", *options).stdout)
    assert (found["text"], found["finish_reason"]) == (whole.text[: whole.text.index("\n")], "stop")


def test_the_prompt_comes_from_a_file_or_standard_input(toy: Bundle, tmp_path: Path) -> None:
    (tmp_path / "prompt").write_text("é\nx")
    wanted = Decoder(toy).generate("é\nx").token_ids
    for arguments, stdin in ((["--prompt-file", tmp_path / "prompt"], None), (["-"], "é\nx")):
        assert json.loads(run(toy.path, "--json", *arguments, stdin=stdin).stdout)["token_ids"] == wanted


def test_bad_calls_get_one_line_and_exit_code_2(toy: Bundle, toys: Callable[..., Bundle], tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"ab\xff")
    (tmp_path / "empty").write_bytes(b"")
    translator = toys(task="translation")
    refused(run(tmp_path / "nowhere", "x"), "does not exist")
    refused(run(tmp_path, "x"), "no manifest.json")
    refused(run(toy.path), "the prompt is empty")
    refused(run(toy.path, ""), "the prompt is empty")
    refused(run(toy.path, "-", stdin=b"ab\xff"), "standard input: byte 0xff at offset 2")
    refused(run(toy.path, "--prompt-file", tmp_path / "binary"), "byte 0xff at offset 2")
    refused(run(toy.path, "--prompt-file", tmp_path / "nowhere"), "No such file")
    refused(run(toy.path, "x", "--prompt-file", tmp_path / "binary"), "came together")
    refused(run(toy.path, "x", "--score", tmp_path / "binary"), "came together")
    refused(run(toy.path, "--score", tmp_path / "binary"), "byte 0xff at offset 2")
    refused(run(toy.path, "--score", tmp_path / "empty"), "at least 2")
    refused(run(toy.path, "--score", tmp_path), "Is a directory")
    refused(run(toy.path, "x", "--segment", 4), "--segment came without --score")
    refused(run(toy.path, "x", "--top-p", 2), "--top-p is 2.0")
    refused(run(toy.path, "x", "--stop", ""), "--stop is")
    refused(run(translator.path, "x"), "task 'translation'")
    refused(run(translator.path, "--score", tmp_path / "empty"), "task 'translation'")


def test_a_graph_that_cannot_be_loaded_gets_one_line(tmp_path: Path) -> None:
    write_bundle(tmp_path / "toy.rfa", toy_manifest(), toy_files() | {"model.onnx": b"rubbish"})
    result = subprocess.run([*COMMAND, tmp_path / "toy.rfa", "x"], capture_output=True, text=True, env=environment())
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ONNX Runtime cannot load model.onnx")
    assert result.stderr.count("\n") == 1


def test_text_is_shown_while_it_is_written_and_ctrl_c_ends_it_cleanly(toy: Bundle) -> None:
    command = [*COMMAND, toy.path, "Once", "--max-new-tokens", "0"]
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a suite in the background may ignore it
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment(), preexec_fn=hears) as process:
        assert process.stdout is not None
        assert process.stdout.read(2000).startswith(b"Once")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate()
    assert process.returncode == 130
    assert errors == b""
    assert rest.endswith(b"\n")


def test_a_reader_that_leaves_is_no_error(toy: Bundle) -> None:
    command = [*COMMAND, toy.path, "Once", "--max-new-tokens", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_terminal_without_the_characters_gets_others(toy: Bundle) -> None:
    found = subprocess.run(
        [*COMMAND, toy.path, "é"], capture_output=True, env=environment() | {"PYTHONIOENCODING": "ascii"}
    )
    assert found.returncode == 0
    assert b"tokens/s" in found.stderr
    assert found.stdout.startswith(b"?")


def test_help_ends_with_an_example() -> None:
    assert "Example:  rfa-run model.rfa" in run("--help").stdout.splitlines()[-2]
