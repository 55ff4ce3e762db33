"""BLEU, chrF and accuracy: the rows of a data file, and the figures that come of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
import sacrebleu
from toy_bundles import environment
from toy_classifiers import LABELS, reference_probabilities, write_classifier

from rfa_runtime.commands.run_translation import show_bleu
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.errors import OptionError, PromptError, TextError
from rfa_runtime.line_files.labelled import Labelled, read_labelled
from rfa_runtime.line_files.pairs import Pair, read_pairs
from rfa_runtime.line_files.rows import Rows
from rfa_runtime.tasks.accuracy import score_classifier
from rfa_runtime.tasks.bleu import corpus_bleu, score_translator
from rfa_runtime.tasks.classification import Classifier
from rfa_runtime.tasks.translation import Translator

PAIRS = [
    Pair("ein kleines Haus", "a small house"),
    Pair("das ist gut", "this is good"),
    Pair("wo ist der Bahnhof heute", "where is the station today"),
]


class Dictionary:
    """Stands for a Translator: knows three sentences, and one of them badly."""

    answers: ClassVar = {
        "ein kleines Haus": "a small house",
        "das ist gut": "that is good",
        "wo ist der Bahnhof heute": "where is the station now",
    }

    def encode(self, source: str) -> None:
        if source not in self.answers:
            raise PromptError("the source has characters that the model does not know")

    def translate_batch(self, sources: list[str], search: object) -> list[Any]:
        return [SimpleNamespace(text=self.answers[source]) for source in sources]


TRANSLATOR = cast(Translator, Dictionary())


def write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def messages(rows: Rows[Any]) -> list[str]:
    return [str(error) for error in rows.errors]


def test_pairs_are_read_alike_in_all_three_forms(tmp_path: Path) -> None:
    tsv = write(tmp_path / "a.tsv", "".join(f"{pair.source}\t{pair.target}\n" for pair in PAIRS))
    jsonl = write(tmp_path / "a.jsonl", "\r\n".join(json.dumps(pair._asdict()) for pair in PAIRS))
    sources = write(tmp_path / "a.de", "\n".join(pair.source for pair in PAIRS))
    targets = write(tmp_path / "a.en", "\n".join(pair.target for pair in PAIRS) + "\n")
    for files in ([tsv], [jsonl], [sources, targets]):
        found = read_pairs(files)
        assert (found.rows, found.errors) == (PAIRS, [])
        assert found.places == [f"{files[0]}:{number}" for number in (1, 2, 3)]


def test_broken_rows_of_a_tsv_are_named_and_the_others_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", b"a\tb\nno tab\nx\ty\tz\n\t c\n\n\xff\tb\nd\te\n")
    found = read_pairs([file])
    assert found.rows == [Pair("a", "b"), Pair("d", "e")]
    assert found.places == [f"{file}:1", f"{file}:7"]
    assert messages(found) == [
        f"{file}:2: the row has 1 column(s), wanted 2: source, a tab, target",
        f"{file}:3: the row has 3 column(s), wanted 2: source, a tab, target",
        f"{file}:4: the source is empty",
        f"{file}:5: the row has 1 column(s), wanted 2: source, a tab, target",
        f"{file}:6: byte 0xff at offset 0 is not UTF-8: convert the text first",
    ]


def test_broken_rows_of_a_jsonl_are_named_and_the_others_read(tmp_path: Path) -> None:
    rows = [
        '{"source": "a", "target": "b"}',
        '{"source": "a"',
        "[1]",
        '{"source": "a"}',
        '{"source": 3, "target": "b"}',
    ]
    rows += ['{"source": "a", "target": " "}', "[" * 100_000, "1" * 5000]
    file = write(tmp_path / "a.jsonl", "\n".join(rows))
    found = read_pairs([file])
    assert found.rows == [Pair("a", "b")]
    complaints = ["2: the row is not JSON: Expecting", "3: the row is [1], wanted a JSON object", "4: 'target' is null"]
    complaints += ["5: 'source' is 3, wanted a text", "6: the target is empty", "7: the row is not JSON"]
    complaints += ["8: the row is not JSON"]
    for message, wanted in zip(messages(found), complaints, strict=True):
        assert message.startswith(f"{file}:{wanted}")


def test_plain_files_of_unequal_length_are_refused(tmp_path: Path) -> None:
    short, long = write(tmp_path / "s", "a\nb\n"), write(tmp_path / "l", "a\nb\nc\n")
    for files in ([short, long], [long, short]):
        with pytest.raises(TextError, match=f"{short} ends after line 2, {long} goes on: wanted as many lines in both"):
            read_pairs(files)


def test_a_broken_line_of_plain_files_is_named_with_its_own_file(tmp_path: Path) -> None:
    sources, targets = write(tmp_path / "s", b"a\n\nc\nd\n"), write(tmp_path / "t", b"a\nb\n\xff\nd\n")
    found = read_pairs([sources, targets])
    assert found.rows == [Pair("a", "a"), Pair("d", "d")]
    assert messages(found) == [
        f"{sources}:2: the source is empty",
        f"{targets}:3: byte 0xff at offset 0 is not UTF-8: convert the text first",
    ]


def test_files_of_no_known_form_are_refused(tmp_path: Path) -> None:
    text, empty = write(tmp_path / "a.txt", "a\tb"), write(tmp_path / "a.tsv", "")
    with pytest.raises(TextError, match=r"a.txt is neither .tsv nor .jsonl, nor are there two plain files"):
        read_pairs([text])
    with pytest.raises(TextError, match=r"a.txt is neither .tsv nor .jsonl"):
        read_labelled(text)
    with pytest.raises(TextError, match=r"3 files of pairs came"):
        read_pairs([text] * 3)
    for read in (lambda: read_pairs([empty]), lambda: read_labelled(empty)):
        with pytest.raises(TextError, match=r"a.tsv has no rows"):
            read()
    with pytest.raises(TextError, match="have no lines"):
        read_pairs([empty, empty])
    with pytest.raises(OSError, match="No such file"):
        read_pairs([tmp_path / "nowhere.tsv"])


def test_labelled_texts_are_read_in_both_forms(tmp_path: Path) -> None:
    tsv = write(tmp_path / "a.tsv", "Source\tTarget\n( ( [MAX 4 ) 2 ) ] )\t4\nx\t0\n")
    assert read_labelled(tsv).rows == [Labelled("( ( [MAX 4 ) 2 ) ] )", None, "4"), Labelled("x", None, "0")]
    rows = [{"text": "a\nb", "label": "red"}, {"text": "c", "pair": "d", "label": 3}]
    jsonl = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert read_labelled(jsonl).rows == [Labelled("a\nb", None, "red"), Labelled("c", "d", "3")]


def test_broken_labelled_rows_are_named(tmp_path: Path) -> None:
    rows = [{"text": "a"}, {"text": "", "label": "x"}, {"text": "a", "label": True}, {"text": "a", "label": 1.5}]
    rows += [{"text": "a", "label": ""}, {"text": "a", "pair": None, "label": 1}]
    file = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert messages(read_labelled(file)) == [
        f"{file}:1: 'label' is null, wanted a text or a whole number",
        f"{file}:2: the text is empty",
        f"{file}:3: 'label' is true, wanted a text or a whole number",
        f"{file}:4: 'label' is 1.5, wanted a text or a whole number",
        f"{file}:5: the label is empty",
        f"{file}:6: 'pair' is null, wanted a text",
    ]
    tsv = write(tmp_path / "a.tsv", "a\tx\nbroken\nSource\tTarget\n")
    found = read_labelled(tsv)
    assert found.rows == [Labelled("a", None, "x"), Labelled("Source", None, "Target")]
    assert messages(found) == [f"{tsv}:2: the row has 1 column(s), wanted 2: text, a tab, label"]


@pytest.mark.parametrize(
    ("texts", "targets", "score", "order", "effective"),
    [
        (["eins", "zwei"], ["eins", "zwei"], 100, 1, "eff:yes"),
        (["eins zwei", "drei"], ["eins zwei", "drei"], 100, 2, "eff:yes"),
        (["eins", "vier"], ["eins", "zwei"], 50, 1, "eff:yes"),
        (["", ""], ["eins", "zwei"], 0, 0, "eff:yes"),
        (["a b c d", "e"], ["a b c d", "e"], 100, 4, "eff:no"),
    ],
)
def test_bleu_of_short_answers_is_that_of_the_n_grams_they_have(
    texts: list[str], targets: list[str], score: float, order: int, effective: str
) -> None:
    found = corpus_bleu(texts, targets)
    assert found.score == pytest.approx(score)
    assert found.order == order
    assert effective in found.signature


def test_the_command_says_that_there_are_no_4_grams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for pairs, lines in ((PAIRS[:2], ["BLEU ", "no translation has 4 words: ", "bleu ", "chrf "]), (PAIRS, ["BLEU "])):
        file = write(tmp_path / "a.tsv", "".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
        show_bleu(TRANSLATOR, SearchConfig(), (file,), as_json=False, batch=2)
        said = capsys.readouterr().out.splitlines()
        assert len(said) == (4 if len(lines) == 4 else 3)
        for line, beginning in zip(said, lines, strict=False):
            assert line.startswith(beginning)


def test_the_figures_are_sacrebleus(tmp_path: Path) -> None:
    rows = Rows(PAIRS, ["x"] * 3)
    found = score_translator(TRANSLATOR, rows, batch=2)
    texts, targets = list(Dictionary.answers.values()), [[pair.target for pair in PAIRS]]
    assert found.bleu == sacrebleu.corpus_bleu(texts, targets).score
    assert found.chrf == sacrebleu.corpus_chrf(texts, targets).score
    assert (found.items, found.errors) == (3, 0)
    assert found.signature["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert found.signature["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")
    assert found.as_table().keys() == {"bleu", "chrf", "items", "errors", "signature"}


def test_a_source_that_is_refused_counts_as_an_empty_translation(capsys: pytest.CaptureFixture[str]) -> None:
    rows = Rows([*PAIRS, Pair("???", "what now my friend")], list("abcd"), [TextError("f:9: the source is empty")])
    found = score_translator(TRANSLATOR, rows)
    texts = [*Dictionary.answers.values(), ""]
    assert found.bleu == sacrebleu.corpus_bleu(texts, [[pair.target for pair in rows.rows]]).score
    assert (found.items, found.errors) == (4, 2)
    assert capsys.readouterr().err.splitlines() == [
        "Error: f:9: the source is empty",
        "Error: d: the source has characters that the model does not know",
    ]


def test_accuracy_counts_every_row_that_could_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = Classifier(write_classifier(tmp_path / "toy.rfa"), threads=1)
    texts = [f"text number {number}" for number in range(10)]
    truth = [LABELS[reference_probabilities(text).argmax()] for text in texts]
    truth[3] = next(label for label in LABELS if label != truth[3])
    rows = [{"text": text, "label": label} for text, label in zip(texts, truth, strict=True)]
    rows += [{"text": "a", "label": "violet"}, {"text": "a", "pair": "b", "label": "red"}, {"text": "x"}]
    file = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    found = score_classifier(classifier, read_labelled(file), batch=4)
    assert found.as_table() == {"accuracy": 9 / 11, "items": 11, "errors": 3}
    assert capsys.readouterr().err.splitlines() == [
        f"Error: {file}:13: 'label' is null, wanted a text or a whole number",
        f"Error: {file}:11: the label 'violet' is not among the model's: red, green, blue",
        f"Error: {file}:12: 2 document(s) came, toy.rfa wants 1",
    ]


def test_a_file_without_a_good_row_has_no_score() -> None:
    with pytest.raises(TextError, match="no row can be scored"):
        score_translator(TRANSLATOR, Rows(errors=[TextError("f:1: the source is empty")]))
    with pytest.raises(OptionError, match="batch is 0"):
        score_translator(TRANSLATOR, Rows(PAIRS, ["x"] * 3), batch=0)


def test_without_sacrebleu_the_error_names_the_extra() -> None:
    code = "import sys; sys.modules['sacrebleu'] = None\nimport rfa_runtime\nrfa_runtime.score_translator"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert "MissingExtraError: sacreBLEU is not installed" in found.stderr
    assert "pip install 'rfa-runtime[score]'" in found.stderr
