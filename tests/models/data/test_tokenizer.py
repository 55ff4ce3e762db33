"""Tokenizers lose nothing: what they encode they decode."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from rfa_models.data.tokenizer import (
    CLASS,
    END,
    LONGEST_WORD,
    START,
    UNKNOWN,
    TokenizerConfig,
    byte_tokenizer,
    make_tokenizer,
    train_tokenizer,
)
from rfa_models.errors import ConfigError, DataError

LINES = ["the cat sat on the mat\n", "the dog sat on the cat\n", "naïve café 日本語\n"]
NASTY = [
    "",
    " ",
    "\n\n\n",
    "a  b\t\tc \n d",
    "日本語🙂\u0301é",
    "\x00\x01\x7f",
    "\r\n\r\n",
    "\u2028x\x85y",
    "don't <unk>",
]
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("kind", ["byte", "bpe"])
@pytest.mark.parametrize("nasty", NASTY)
def test_byte_level_tokenizers_give_back_any_text(kind: str, nasty: str) -> None:
    tokenizer = train_tokenizer(kind, LINES, 280)
    ids = tokenizer.encode(nasty, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == nasty


@settings(max_examples=50, deadline=None)
@given(text)
def test_byte_ids_are_the_bytes_of_the_text(any_text: str) -> None:
    assert bytes(byte_tokenizer().encode(any_text, add_special_tokens=False).ids) == any_text.encode()


def test_byte_tokenizer_has_256_tokens() -> None:
    assert byte_tokenizer().get_vocab_size() == 256


def test_bpe_learns_as_many_tokens_as_asked_and_shortens_the_text() -> None:
    tokenizer = train_tokenizer("bpe", LINES * 4, 270)
    assert tokenizer.get_vocab_size() == 270
    assert len(tokenizer.encode(LINES[0]).ids) < len(LINES[0])


def test_bpe_learns_from_a_long_word_in_pieces_and_encodes_it_in_one() -> None:
    """Else learning takes time quadratic in the longest word."""
    word = "AC" * 4 * LONGEST_WORD
    tokenizer = train_tokenizer("bpe", [word], 300)
    assert max(map(len, tokenizer.get_vocab())) == LONGEST_WORD
    assert len(tokenizer.encode(word).ids) == 8
    assert len(tokenizer.encode("x" + word).ids) == 9


@pytest.mark.parametrize("lines", [LINES, ["AC" * (LONGEST_WORD // 2), "é" * (LONGEST_WORD // 2)]])
def test_bpe_of_words_that_are_not_too_long_is_that_of_the_library(lines: list[str]) -> None:
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    plain.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet))
    assert train_tokenizer("bpe", lines, 290).get_vocab() == plain.get_vocab()


def test_char_tokenizer_has_one_token_for_each_character_and_one_for_all_others() -> None:
    tokenizer = train_tokenizer("char", ["ab\n", "bc é"], 0)
    assert set(tokenizer.get_vocab()) == {UNKNOWN, *"ab\nc é"}
    ids = tokenizer.encode("a\né zb").ids
    assert len(ids) == 6
    assert ids[4] == tokenizer.token_to_id(UNKNOWN)
    assert tokenizer.decode(tokenizer.encode("b\nc é").ids, skip_special_tokens=False) == "b\nc é"


def test_same_text_gives_the_same_tokenizer() -> None:
    assert train_tokenizer("bpe", LINES, 280).to_str() == train_tokenizer("bpe", LINES, 280).to_str()


def test_vocabulary_too_small_for_bytes_is_refused() -> None:
    with pytest.raises(ConfigError, match="vocab_size is 100, byte-level BPE needs at least 256"):
        train_tokenizer("bpe", LINES, 100)


@pytest.mark.parametrize("lines", [[], [""]])
def test_char_tokenizer_of_nothing_is_refused(lines: list[str]) -> None:
    with pytest.raises(DataError, match="no characters"):
        train_tokenizer("char", lines, 0)


def test_word_tokenizer_has_one_token_for_each_word_and_one_for_all_others() -> None:
    tokenizer = train_tokenizer("word", ["b a\ta\n", "a  c b"], 100)
    assert tokenizer.get_vocab() == {UNKNOWN: 0, "a": 1, "b": 2, "c": 3}
    assert tokenizer.encode("c\n a zz ab").ids == [3, 1, 0, 0]


def test_word_tokenizer_keeps_the_most_frequent_words() -> None:
    assert set(train_tokenizer("word", ["b a a c b"], 3).get_vocab()) == {UNKNOWN, "a", "b"}


def test_a_word_that_spells_unknown_is_unknown() -> None:
    tokenizer = train_tokenizer("word", [f"a {UNKNOWN} b"], 100)
    assert tokenizer.encode(f"a {UNKNOWN}").ids == [tokenizer.token_to_id("a"), 0]


@pytest.mark.parametrize(("lines", "size"), [([], 10), (["  "], 10), (["a"], 1)])
def test_word_tokenizer_of_nothing_is_refused(lines: list[str], size: int) -> None:
    with pytest.raises(DataError, match="give text"):
        train_tokenizer("word", lines, size)


def test_letters_are_replaced_in_training_and_ever_after() -> None:
    config = TokenizerConfig("word", 100, {"(": "", "]": "X"})
    tokenizer = Tokenizer.from_str(make_tokenizer(config, ["( a ]"]).to_str())
    assert set(tokenizer.get_vocab()) == {UNKNOWN, "a", "X"}
    assert tokenizer.encode("((a ( ]").tokens == ["a", "X"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "bpe", "replace": {"a": "b"}}, "only 'word' may change a text"),
        ({"kind": "word", "replace": {"a": 3}}, "'a' = 3, wanted a text for a text"),
        ({"kind": "word", "replace": {"": "a"}}, "'' = 'a', wanted a text for a text"),
        ({"kind": "words"}, "kind is 'words', wanted one of byte, char, bpe, word"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TokenizerConfig(**settings)


@pytest.mark.parametrize("kind", ["byte", "char", "word", "bpe"])
def test_special_tokens_are_known_by_name_and_left_out_of_text(kind: str) -> None:
    tokenizer = make_tokenizer(TokenizerConfig(kind, 300), LINES, (START, END, CLASS))
    special = [tokenizer.token_to_id(token) for token in (START, END, CLASS)]
    assert len(set(special)) == 3
    assert max(tokenizer.get_vocab().values()) < tokenizer.get_vocab_size()
    ids = tokenizer.encode("the cat", add_special_tokens=False).ids
    assert not set(special) & set(ids)
    assert tokenizer.decode([special[0], *ids, special[1]]) == tokenizer.decode(ids)


def test_vocabulary_too_small_for_bytes_and_special_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match="vocab_size is 257, byte-level BPE needs at least 258"):
        make_tokenizer(TokenizerConfig("bpe", 257), LINES, (START, END))
