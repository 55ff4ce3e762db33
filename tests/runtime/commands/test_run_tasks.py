"""rfa-run with translators and classifiers, as people and programs use it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from command_line import COMMAND, GENERATION, refused, run
from toy_bundles import environment
from toy_classifiers import write_classifier
from toy_translator import write_toy_translator

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.commands.run import main
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.tasks.classification import Classifier
from rfa_runtime.tasks.translation import MAX_SOURCE_TOKENS, Translator


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_toy_translator(tmp_path_factory.mktemp("toys") / "translator.rfa")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_classifier(tmp_path_factory.mktemp("toys") / "classifier.rfa")


@pytest.fixture(scope="module")
def pair_classifier(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_classifier(tmp_path_factory.mktemp("toys") / "pairs.rfa", pairs=True)


def one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")


def lines_done(target: Path) -> int:
    note = target.with_name(target.name + ".progress")
    return int(json.loads(note.read_text())["lines"]) if note.exists() else 0


def test_a_translation_is_all_that_is_printed(translator: Bundle, tmp_path: Path) -> None:
    wanted = Translator(translator).translate("a source").text + "\n"
    (tmp_path / "source").write_bytes(b"a source\r\n")
    for arguments, stdin in (
        (["a source"], None),
        (["-"], "a source\n"),
        (["--prompt-file", tmp_path / "source"], None),
    ):
        result = run(translator.path, *arguments, stdin=stdin)
        assert (result.exit_code, result.stdout, result.stderr) == (0, wanted, "")


def test_beam_options_reach_the_search(translator: Bundle) -> None:
    options = ["--beam", 4, "--length-penalty", 0.3, "--n-best", 3, "--no-early-stop", "--max-new-tokens", 9]
    wanted = Translator(translator).translate("a source", SearchConfig(4, 0.3, 3, False, 9))
    found = json.loads(run(translator.path, "a source", "--json", *options).stdout)
    assert found.keys() == GENERATION | {"score", "n_best"}
    assert (found["token_ids"], found["text"]) == (wanted.token_ids, wanted.text)
    assert [one["text"] for one in found["n_best"]] == [one.text for one in wanted.n_best]
    lines = run(translator.path, "a source", *options).stdout
    assert lines == "".join(f"{one.score:.4f}\t{one.text}\n" for one in wanted.n_best)
    best = run(translator.path, "a source", "--beam", 4, "--max-new-tokens", 9).stdout
    assert best == Translator(translator).translate("a source", SearchConfig(4, max_new_tokens=9)).text + "\n"
    assert len(run(translator.path, "a source", "--max-new-tokens", 3).stdout) <= 4


def test_a_class_is_printed_with_its_probability(classifier: Bundle, pair_classifier: Bundle) -> None:
    wanted = Classifier(classifier).classify("some text")
    words = f"{wanted.label}\t{wanted.probabilities[wanted.label]:.4f}\n"
    assert run(classifier.path, "some text").stdout == words
    assert run(classifier.path, "-", stdin="some text\n").stdout == words
    assert json.loads(run(classifier.path, "some text", "--json").stdout) == wanted.as_table()
    pair = Classifier(pair_classifier).classify(("a", "b"))
    assert run(pair_classifier.path, "a\tb").stdout.startswith(pair.label + "\t")
    refused(run(pair_classifier.path, "a b"), "1 document(s) came, the model compares two: put one tab between them")


def test_every_line_of_a_file_is_translated(translator: Bundle, tmp_path: Path) -> None:
    sources = [f"source number {number}" for number in range(7)]
    (tmp_path / "in").write_text("".join(source + "\n" for source in sources))
    result = run(translator.path, "--input", tmp_path / "in", "--output", tmp_path / "out", "--batch", 3)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    wanted = [one_line(found.text) for found in Translator(translator).translate_batch(sources)]
    assert (tmp_path / "out").read_bytes().decode().split("\n") == [*wanted, ""]
    piped = run(translator.path, "--input", "-", stdin="".join(source + "\n" for source in sources))
    assert piped.stdout_bytes == (tmp_path / "out").read_bytes()


def test_lines_as_json_have_everything(translator: Bundle, classifier: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\nb\n")
    options = ["--input", tmp_path / "in", "--json"]
    found = [
        json.loads(line) for line in run(translator.path, *options, "--beam", 2, "--n-best", 2).stdout.splitlines()
    ]
    assert [len(line["n_best"]) for line in found] == [2, 2]
    found = [json.loads(line) for line in run(classifier.path, *options).stdout.splitlines()]
    assert found == [Classifier(classifier).classify(text).as_table() for text in ("a", "b")]
    refused(run(translator.path, *options[:2], "--beam", 2, "--n-best", 2), "--n-best 2 gives several texts")


def test_bad_lines_are_named_and_the_rest_is_worked_on(
    translator: Bundle, classifier: Bundle, pair_classifier: Bundle, tmp_path: Path
) -> None:
    file = tmp_path / "in"
    file.write_bytes(b"fine\n\n\xff\n" + b"x" * 1_000_000 + b"\nfine too\n")
    result = run(translator.path, "--input", file)
    assert result.exit_code == 2
    assert [bool(line) for line in result.stdout_bytes.split(b"\n")] == [True, False, False, False, True, False]
    assert result.stderr.splitlines() == [
        f"Error: {file}:3: byte 0xff at offset 0 is not UTF-8: convert the text first",
        f"Error: {file}:4: the source has 1,000,000 characters, far more than {MAX_SOURCE_TOKENS:,} tokens hold: "
        "cut it into sentences",
        "Error: 2 of 5 lines could not be worked on: their answers are empty lines",
    ]
    result = run(classifier.path, "--input", file)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 2)
    assert [bool(line) for line in result.stdout.split("\n")] == [True, False, False, True, True, False]
    file.write_text("a\tb\nalone\na\tb\tc\na\t\n")
    result = run(pair_classifier.path, "--input", file)
    assert result.stderr.splitlines() == [
        f"Error: {file}:2: 1 document(s) came, the model compares two: put one tab between them",
        f"Error: {file}:3: 3 document(s) came, the model compares two: put one tab between them",
        f"Error: {file}:4: the text is empty: give some text",
        "Error: 3 of 4 lines could not be worked on: their answers are empty lines",
    ]


def test_a_finished_file_is_replaced_only_on_demand(translator: Bundle, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"\xff\nfine\n")
    arguments = [translator.path, "--input", source, "--output", target]
    assert "1 of 2 lines could not be worked on" in run(*arguments).stderr
    whole = target.read_bytes()
    refused(run(*arguments), "out exists: give another name, or --overwrite")
    assert "1 of 2 lines could not be worked on" in run(*arguments, "--overwrite").stderr
    assert target.read_bytes() == whole


@pytest.mark.parametrize(
    ("redirection", "words"),
    [("<&-", "standard input is closed"), (">&- <in", "standard output is closed"), ("2>&- <in", "")],
)
def test_lines_with_a_standard_stream_closed(translator: Bundle, redirection: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a source\n")
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, translator.path, "--input", "-"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=tmp_path)
    if words:
        assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
        assert found.stderr.startswith(f"Error: {words}")
    else:
        assert (found.returncode, found.stdout.count("\n")) == (0, 1)


def test_a_text_from_a_closed_standard_input_is_refused(translator: Bundle) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, translator.path, "-"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert found.stderr == "Error: standard input is closed: give a file or a text in place of -\n"


@pytest.mark.parametrize("task", ["translation", "classification"])
def test_ctrl_c_leaves_a_file_to_go_on_from(task: str, translator: Bundle, classifier: Bundle, tmp_path: Path) -> None:
    bundle, options = (translator, ["--max-new-tokens", "2"]) if task == "translation" else (classifier, [])
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_text("".join(f"line {number}\n" for number in range(1500)))
    command = [*COMMAND, bundle.path, "--input", source, "--output", target, "--batch", "4", *options]
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a suite in the background may ignore it
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment(), preexec_fn=hears) as process:
        while process.poll() is None and lines_done(target) < 8:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.startswith(b"Stopped after ")
    assert errors.endswith(b" lines: call the same command again to go on.\n")
    assert 8 <= lines_done(target) < 1500
    arguments = [bundle.path, "--input", source, "--batch", 500, *options]
    resumed = run(*arguments, "--output", target)
    assert (resumed.exit_code, resumed.stderr) == (0, "")
    assert target.read_bytes() == run(*arguments).stdout_bytes
    assert not (tmp_path / "out.progress").exists()


def test_scores_have_the_names_of_the_contract(translator: Bundle, classifier: Bundle, tmp_path: Path) -> None:
    pairs, labelled = tmp_path / "pairs.tsv", tmp_path / "labelled.tsv"
    pairs.write_text("a source\ta target\nanother\tone more target\n")
    label = Classifier(classifier).classify("x").label
    labelled.write_text(f"x\t{label}\n")
    found = json.loads(run(translator.path, "--score", pairs, "--json").stdout)
    assert found.keys() == {"bleu", "chrf", "items", "errors", "signature"}
    assert (found["items"], found["errors"]) == (2, 0)
    assert json.loads(run(classifier.path, "--score", labelled, "--json").stdout) == {
        "accuracy": 1.0,
        "items": 1,
        "errors": 0,
    }
    assert run(classifier.path, "--score", labelled).stdout == "accuracy 1.0000 over 1 texts\n"
    words = run(translator.path, "--score", pairs, "--beam", 2).stdout.splitlines()
    assert words[0].startswith("BLEU ")
    assert words[0].endswith(" over 2 pairs")
    assert [line.split()[0] for line in words[1:]] == ["bleu", "chrf"]


def test_two_plain_files_are_scored_line_by_line(translator: Bundle, tmp_path: Path) -> None:
    sources, targets = tmp_path / "a.de", tmp_path / "a.en"
    sources.write_text("a\nb\n")
    texts = Translator(translator).translate_batch(["a", "b"])
    targets.write_text("".join(one_line(found.text) + "\n" for found in texts), encoding="utf-8")
    found = json.loads(run(translator.path, "--score", sources, "--score", targets, "--json").stdout)
    assert found["items"] == 2
    assert found["chrf"] > 50


def test_a_broken_row_is_named_and_the_rest_is_scored(translator: Bundle, classifier: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "rows.tsv"
    file.write_text("a\tred\nbroken\nb\tgreen\n")
    for bundle in (translator, classifier):
        result = run(bundle.path, "--score", file, "--json")
        assert result.exit_code == 2
        assert (json.loads(result.stdout)["items"], json.loads(result.stdout)["errors"]) == (2, 1)
        first, last = result.stderr.splitlines()
        assert first.startswith(f"Error: {file}:2: the row has 1 column(s), wanted 2")
        assert last.startswith("Error: 1 row(s) could not be scored")
    file.write_text("broken\n")
    result = run(translator.path, "--score", file, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("Error: no row can be scored\n")


def test_options_of_another_task_are_refused_by_name(
    toy: Bundle, translator: Bundle, classifier: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "in").write_text("a\n")
    for option in ("--top-k", "--top-p", "--seed", "--temperature", "--repetition-penalty", "--segment", "--stop"):
        for bundle, task in ((translator, "translation"), (classifier, "classification")):
            words = f"{option} is an option of language models, {bundle.path.name} is for the task '{task}'"
            refused(run(bundle.path, "x", option, 1), words)
    refused(run(translator.path, "x", "--ignore-eos"), "--ignore-eos is an option of language models")
    refused(run(toy.path, "x", "--beam", 2), "--beam is an option of translators, toy.rfa is for the task 'language-")
    refused(run(toy.path, "x", "--beam", 1), "--beam is an option of translators")
    refused(run(classifier.path, "x", "--n-best", 2), "--n-best is an option of translators")
    words = "--max-new-tokens is an option of language models and translators, classifier.rfa is for the task 'class"
    refused(run(classifier.path, "x", "--max-new-tokens", 2), words)


def test_bad_calls_get_one_line_and_exit_code_2(
    toy: Bundle, toys: Callable[..., Bundle], translator: Bundle, classifier: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "in").write_text("a\n")
    (tmp_path / "out").write_text("precious")
    (tmp_path / "rows.tsv").write_text("a\tb\n")
    given = ["--input", tmp_path / "in"]
    refused(run(toys(task="painting").path, "x"), "toy.rfa is for the task 'painting', this version knows")
    refused(run(toys(task="classification").path, "x"), "disagree on the inputs")
    refused(run(translator.path), "the source is empty")
    refused(run(translator.path, ""), "the source is empty")
    refused(run(classifier.path), "the text is empty")
    refused(run(translator.path, "x" * 9000), "the source has 9,001 tokens, at most 8,192")
    refused(run(translator.path, "word", "--max-source-tokens", 4), "at most 4 are allowed")
    refused(run(translator.path, "x", "--n-best", 2), "--n-best is 2")
    refused(run(translator.path, "x", "--beam", 0), "--beam is 0")
    refused(run(translator.path, "x", "--length-penalty", 100), "--length-penalty is 100")
    refused(run(translator.path, "x", *given), "a prompt and --input came together")
    refused(run(translator.path, "--score", tmp_path / "in", *given), "--score and --input came together")
    refused(run(translator.path, "x", "--output", tmp_path / "out"), "--output came without --input")
    refused(run(translator.path, "x", "--overwrite"), "--overwrite came without --input")
    refused(run(translator.path, *given, "--output", tmp_path / "out"), "out exists: give another name")
    refused(run(translator.path, *given, "--output", tmp_path / "in", "--overwrite"), "would be overwritten")
    refused(run(translator.path, *given, "--output", tmp_path), "would be overwritten")
    refused(run(translator.path, "--input", tmp_path / "nowhere"), "No such file")
    refused(run(translator.path, "--score", tmp_path / "in"), "is neither .tsv nor .jsonl")
    refused(run(classifier.path, "--score", tmp_path / "rows.tsv", "--score", tmp_path / "in"), "--score came 2 times")
    refused(run(toy.path, "--score", tmp_path / "in", "--score", tmp_path / "in"), "--score came 2 times")
    assert (tmp_path / "out").read_text() == "precious"


def test_the_helps_groups_name_the_models() -> None:
    text = run("--help").stdout
    for heading in ("Options:", "Options of language models:", "Options of translators:"):
        assert f"\n{heading}\n" in text
    assert {option.name for option in main.params} >= {"inputs", "output", "beam", "batch"}
