"""Pairs of sentences from every form of file."""

import json
from pathlib import Path

import pytest

from rfa_models.data.config import NumbersConfig, PairsConfig
from rfa_models.data.numbers import number_pairs
from rfa_models.data.pairs import read_pairs, read_sources
from rfa_models.errors import DataError

PAIRS = [("one two", "eins zwei"), ("three", "drei"), ("a \u2028 b", "é")]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [json.dumps({"source": source, "target": target, "id": 3}) for source, target in PAIRS]
    Path("a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    Path("a.tsv").write_text("\n".join("\t".join(pair) for pair in PAIRS) + "\n", encoding="utf-8")
    for name, side in zip(("a.en", "a.de"), zip(*PAIRS, strict=True), strict=True):
        Path(name).write_text("\n".join(side) + "\n", encoding="utf-8")


@pytest.mark.parametrize("names", [("a.jsonl",), ("a.tsv",), ("a.en", "a.de")])
def test_every_form_gives_the_pairs(names: tuple[str, ...]) -> None:
    assert read_sources(names, NumbersConfig()) == PAIRS


def test_forms_may_follow_one_another() -> None:
    names = ("a.en", "a.de", "a.tsv", "numbers", "a.jsonl")
    assert read_sources(names, NumbersConfig(5, 1)) == [*PAIRS * 2, *number_pairs(5, 1), *PAIRS]


def test_built_in_pairs_are_split_where_there_are_none_for_validation() -> None:
    train, valid = read_pairs(PairsConfig(numbers=NumbersConfig(50)))
    assert (len(train), len(valid)) == (45, 5)
    assert not set(train) & set(valid)


def test_validation_pairs_may_have_files_of_their_own() -> None:
    assert read_pairs(PairsConfig(("a.tsv",), ("a.en", "a.de"))) == (PAIRS, PAIRS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.en",), r"a\.en is neither \.tsv nor \.jsonl, nor one of two plain files"),
        (("a.en", "a.tsv"), r"a\.en is neither"),
        (("a.en", "numbers"), r"a\.en is neither"),
        (("a.en", "short.de"), r"short\.de ends after line 1, a\.en goes on: wanted as many lines in both"),
        (("a.en", "empty.de"), r"empty\.de:2: the target is empty"),
        (("wrong.tsv",), r"wrong\.tsv:2: the row has 3 column\(s\), wanted 2: source, a tab, target"),
        (("wrong.jsonl",), r"wrong\.jsonl:1: 'target' is null, wanted a text"),
    ],
)
def test_mistakes_are_named(names: tuple[str, ...], message: str) -> None:
    Path("short.de").write_text("eins\n")
    Path("empty.de").write_text("eins\n\ndrei\n")
    Path("wrong.tsv").write_text("a\tb\na\tb\tc\n")
    Path("wrong.jsonl").write_text('{"source": "a"}\n')
    with pytest.raises(DataError, match=message):
        read_sources(names, NumbersConfig())


def test_a_missing_file_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        read_sources(("absent.tsv",), NumbersConfig())
