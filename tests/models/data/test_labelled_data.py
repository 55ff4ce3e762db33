"""Labelled texts from every form of file."""

import json
from pathlib import Path

import pytest

from rfa_models.data.config import LabelledConfig, ListopsConfig
from rfa_models.data.labelled import Labelled, label_names, read_labelled, read_source
from rfa_models.errors import DataError

ROWS = [Labelled("one\u2028two", None, "9"), Labelled("three", None, "10"), Labelled("four", None, "9")]
SHORT = ListopsConfig(count=30, shortest=5, longest=60)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": row.text, "label": int(row.label) if row.text == "three" else row.label} for row in ROWS]
    Path("a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    Path("a.tsv").write_text("".join(f"{row.text}\t{row.label}\n" for row in ROWS), encoding="utf-8")
    Path("lra.tsv").write_text("Source\tTarget\n" + Path("a.tsv").read_text(encoding="utf-8"), encoding="utf-8")
    Path("pair.jsonl").write_text('{"text": "a", "pair": "b", "label": "same"}\n')


@pytest.mark.parametrize("name", ["a.jsonl", "a.tsv", "lra.tsv"])
def test_every_form_gives_the_rows(name: str) -> None:
    assert read_source(name, SHORT) == ROWS


def test_pairs_of_texts_are_read() -> None:
    (row,) = read_source("pair.jsonl", SHORT)
    assert row == Labelled("a", "b", "same")
    assert row.texts == ("a", "b")
    assert ROWS[0].texts == ("one\u2028two",)


def test_built_in_rows_are_split_where_there_are_none_for_validation() -> None:
    train, valid = read_labelled(LabelledConfig(listops=SHORT))
    assert (len(train), len(valid)) == (27, 3)
    assert {row.label for row in train} <= set("0123456789")


def test_files_follow_one_another_and_validation_may_have_its_own() -> None:
    train, valid = read_labelled(LabelledConfig(("a.tsv", "a.jsonl"), ("lra.tsv",)))
    assert train == ROWS * 2
    assert valid == ROWS


def test_classes_are_sorted_numbers_first() -> None:
    rows = [Labelled("x", None, label) for label in ("b", "10", "9", "a", "9", "B")]
    assert label_names(rows) == ("9", "10", "B", "a", "b")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "a", r"a\.txt is neither \.tsv nor \.jsonl"),
        ("w.tsv", "a\t\n", r"w\.tsv:1: the label is empty"),
        ("w.jsonl", '{"text": "a"}', r"w\.jsonl:1: 'label' is null, wanted a text or a whole number"),
        ("w.jsonl", '{"text": "a", "label": true}', "'label' is true"),
        ("w.jsonl", '{"text": "a", "label": 1.5}', "'label' is 1.5"),
        ("w.jsonl", '{"text": "a", "pair": 3, "label": 1}', "'pair' is 3, wanted a text"),
    ],
)
def test_mistakes_are_named(name: str, content: bytes, message: str) -> None:
    Path(name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_source(name, SHORT)
