"""Texts that begin and end."""

from __future__ import annotations

from pathlib import Path

import pytest

from rfa_models.data.config import TextConfig
from rfa_models.data.documents import cut, documents_of, encode_documents, read_documents, split_documents
from rfa_models.data.tokenizer import END, START, TokenizerConfig, make_tokenizer
from rfa_models.errors import DataError


def test_a_text_is_cut_into_documents() -> None:
    text = "\none\ntwo\n\n \nthree\n"
    assert cut(text, "file") == [text]
    assert cut(text, "line") == ["", "one", "two", "", " ", "three", ""]
    assert cut(text, "paragraph") == ["one\ntwo", "three"]


def test_documents_without_text_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\n  \ntwo\n")
    (tmp_path / "b.txt").write_text("three")
    sources = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    assert documents_of(sources, "line") == ["one", "two", "three"]
    (tmp_path / "b.txt").write_text("\n")
    with pytest.raises(DataError, match="no document, wanted at least one line with text"):
        documents_of(sources[1:], "line")


def test_the_last_documents_are_kept_apart() -> None:
    assert split_documents(["a" * 10] * 10, 0.2) == (["a" * 10] * 8, ["a" * 10] * 2)
    assert split_documents(["a", "b" * 100], 0.1) == (["a"], ["b" * 100])
    with pytest.raises(DataError, match="give a validation file"):
        split_documents(["a"], 0.1)


def test_a_validation_file_is_cut_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("one\ntwo")
    (tmp_path / "valid.txt").write_text("three\nfour")
    config = TextConfig((str(tmp_path / "train.txt"),), (str(tmp_path / "valid.txt"),), documents="line")
    assert read_documents(config) == (["one", "two"], ["three", "four"])


def test_each_document_stands_between_its_tokens() -> None:
    tokenizer = make_tokenizer(TokenizerConfig("byte"), [], (START, END))
    start, end = (tokenizer.token_to_id(token) for token in (START, END))
    found = encode_documents(tokenizer, ["ab", "</s>"])
    assert found.tolist() == [start, *b"ab", end, start, *b"</s>", end]
