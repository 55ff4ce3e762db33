"""Tokenizers from strangers: what they cannot read or encode is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import refused, run
from tokenizers import Tokenizer, models
from toy_bundles import byte_tokenizer, toy_files, toy_manifest

from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle
from rfa_runtime.decoding.prompt import load_tokenizer
from rfa_runtime.errors import BundleError
from rfa_runtime.tasks.language import Decoder


def with_tokenizer(folder: Path, table: dict[str, Any]) -> Bundle:
    write_bundle(folder / "odd.rfa", toy_manifest(), toy_files() | {"tokenizer.json": json.dumps(table).encode()})
    return read_bundle(folder / "odd.rfa")


@pytest.fixture
def knows_one_word(tmp_path: Path) -> Bundle:
    """A tokenizer whose token for unknown words is not in its vocabulary."""
    tokenizer = Tokenizer(models.WordLevel({"Once": 0}, unk_token="nowhere"))
    return with_tokenizer(tmp_path, json.loads(tokenizer.to_str()))


def test_a_text_that_the_tokenizer_cannot_encode_is_refused_in_one_line(knows_one_word: Bundle) -> None:
    refused(run(knows_one_word.path, "upon"), "odd.rfa/tokenizer.json cannot encode the text: WordLevel error")


def test_such_a_tokenizer_still_encodes_what_it_knows(knows_one_word: Bundle) -> None:
    assert Decoder(knows_one_word).generate("Once", max_new_tokens=1).prompt_tokens == 1


def test_an_error_of_many_lines_is_said_in_one(tmp_path: Path) -> None:
    table = json.loads(byte_tokenizer().to_str()) | {"version": "1\n0\n" * 1000}
    with pytest.raises(BundleError, match=r"odd\.rfa/tokenizer\.json cannot be read: Unknown") as error:
        load_tokenizer(with_tokenizer(tmp_path, table))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
