"""What lies beside a tokenizer.json of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from rfa_models.data.tokenizer_files import TokenizerFiles, read_tokenizer_files
from rfa_models.errors import DataError
from rfa_runtime.bundle.manifest import SpecialIds


def word_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "<turn>": 4}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<s>", "</s>", "<turn>"])
    return tokenizer


def starting_tokenizer() -> Tokenizer:
    """One whose post-processor puts a token first."""
    tokenizer = word_tokenizer()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def read(folder: Path, words: Tokenizer, **files: Any) -> TokenizerFiles:
    """Write the files and read them."""
    (folder / "tokenizer.json").write_text(words.to_str())
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return read_tokenizer_files(folder)


def test_a_tokenizer_by_itself_says_nothing_of_texts(tmp_path: Path) -> None:
    found = read(tmp_path, word_tokenizer())
    assert (found.special_ids, found.sampling, found.chat_template) == (SpecialIds(), {}, None)
    assert not found.cut_or_filled
    assert read_tokenizer_files(str(tmp_path / "tokenizer.json")).tokenizer.to_str() == word_tokenizer().to_str()


def test_names_of_tokens_become_ids(tmp_path: Path) -> None:
    names = {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": "{{ messages }}"}
    found = read(tmp_path, word_tokenizer(), tokenizer_config=names)
    assert found.special_ids == SpecialIds(None, 2), "a text does not begin with a token only because there is one"
    assert found.chat_template == "{{ messages }}"
    assert read(tmp_path, starting_tokenizer(), tokenizer_config=names).special_ids == SpecialIds(1, 2)
    asked = names | {"add_bos_token": True}
    assert read(tmp_path, word_tokenizer(), tokenizer_config=asked).special_ids == SpecialIds(1, 2)


def test_a_generation_config_has_several_ends_and_the_sampling(tmp_path: Path) -> None:
    generation = {"eos_token_id": [2, 4], "do_sample": True, "top_p": 0.9, "top_k": 0, "max_length": 99}
    found = read(tmp_path, word_tokenizer(), tokenizer_config={"eos_token": "a"}, generation_config=generation)
    assert found.special_ids == SpecialIds(None, 2, (4,))
    assert found.sampling == {"temperature": 1.0, "top_p": 0.9, "top_k": 0}
    greedy = {"eos_token_id": 2, "do_sample": False, "temperature": 0.6, "repetition_penalty": 1.1}
    assert read(tmp_path, word_tokenizer(), generation_config=greedy).sampling == {"repetition_penalty": 1.1}


def test_settings_that_cut_or_fill_texts_are_off(tmp_path: Path) -> None:
    tokenizer = word_tokenizer()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=16)
    found = read(tmp_path, tokenizer)
    assert found.cut_or_filled
    assert found.tokenizer.to_str() == word_tokenizer().to_str()


def test_a_template_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("{{ turns }}")
    assert read(tmp_path, word_tokenizer()).chat_template == "{{ turns }}"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tokenizer", {"version": "1.0"}, "tokenizer.json: not a tokenizer"),
        ("tokenizer_config", [1], "tokenizer_config.json: holds .*, wanted an object"),
        ("tokenizer_config", {"eos_token": "<end>"}, "eos_token is '<end>', which tokenizer.json does not have"),
        ("tokenizer_config", {"chat_template": 3}, "chat_template is 3, wanted text"),
        ("generation_config", {"eos_token_id": ["2"]}, "eos_token_id is .*, wanted a token's id"),
        ("generation_config", {"do_sample": True, "temperature": -1}, "generation_config.json: temperature is -1"),
    ],
)
def test_files_that_make_no_sense_are_named(tmp_path: Path, name: str, content: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(tmp_path, word_tokenizer(), **{name: content})
