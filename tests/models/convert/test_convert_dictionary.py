"""fairseq's dictionaries: the ids that they mean, and text that is joined again."""

from itertools import pairwise
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from rfa_models.checkpoints.checkpoint import read_tokenizer
from rfa_models.convert.dictionary import check_special, read_dictionary
from rfa_models.errors import CheckpointError
from rfa_models.networks.language_model_config import ModelConfig

LINES = "the 90\nhou@@ 7\nse 5\n. 4\nma@@ 3\nmadeupword0000 0\n"


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    file = tmp_path / "dict.txt"
    file.write_text(LINES, encoding="utf-8")
    return file


def test_ids_are_fairseqs(dictionary: Path) -> None:
    tokenizer = read_dictionary(dictionary, 10)
    assert tokenizer.encode("the hou@@ se . cat", add_special_tokens=False).ids == [4, 5, 6, 7, 3]
    assert [tokenizer.token_to_id(token) for token in ("<s>", "<pad>", "</s>", "<unk>", "madeupword0000")] == [
        *(0, 1, 2, 3, 9)
    ]
    check_special(tokenizer, dictionary)


def test_parts_of_words_are_joined_and_special_tokens_left_out(dictionary: Path) -> None:
    tokenizer = read_dictionary(dictionary, 10)
    assert tokenizer.decode([0, 4, 5, 6, 7, 2]) == "the house ."
    assert tokenizer.decode([8, 8, 6]) == "mamase"
    assert tokenizer.decode([4, 5]) == "the hou"
    assert tokenizer.decode([3]) == "<unk>"
    assert tokenizer.decode([]) == ""


def test_text_grows_at_its_end_as_tokens_come(dictionary: Path) -> None:
    """So that it can be shown piece by piece."""
    tokenizer, ids = read_dictionary(dictionary, 10), [4, 5, 6, 7, 4]
    texts = [tokenizer.decode(ids[:end]) for end in range(len(ids) + 1)]
    assert all(after.startswith(before) for before, after in pairwise(texts))


def test_the_tokenizer_is_one_that_a_checkpoint_can_hold(dictionary: Path) -> None:
    tokenizer = read_dictionary(dictionary, 10)
    again = read_tokenizer(tokenizer.to_str(), ModelConfig(10), dictionary)
    assert again.decode(again.encode("the hou@@ se .").ids) == "the house ."


def test_a_dictionary_may_end_without_a_line_break_or_have_other_line_breaks(dictionary: Path) -> None:
    wanted = read_dictionary(dictionary, 10).get_vocab()
    for text in (LINES.rstrip("\n"), LINES.replace("\n", "\r\n")):
        dictionary.write_bytes(text.encode())
        assert read_dictionary(dictionary, 10).get_vocab() == wanted


def test_a_token_may_hold_any_character_that_is_not_a_line_break(dictionary: Path) -> None:
    dictionary.write_text("\u2028 5\n\xa0x 3\n", encoding="utf-8")
    assert read_dictionary(dictionary, 6).token_to_id("\u2028") == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the\n", "line 1: 'the' is no 'token count'"),
        ("a 1\n\n", "line 2: '' is no"),
        ("a 1\nb x\n", "line 2: 'b x' is no"),
        ("a 1\n<s> 2\n", "line 2: '<s> 2' comes twice"),
        ("a 1\nb 1\na 2\n", "line 3: 'a 2' comes twice"),
        ("a 1 #fairseq:overwrite\n", "line 1"),
        ("", "line 1"),
        (LINES + "more 1\n", "11 tokens with the 4 special ones, the model knows 10: give the dictionary"),
    ],
)
def test_what_is_not_the_models_dictionary_is_refused(dictionary: Path, text: str, message: str) -> None:
    dictionary.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        read_dictionary(dictionary, 10)


def test_bytes_that_are_no_text_are_refused(dictionary: Path) -> None:
    dictionary.write_bytes(b"a 1\n\xff 2\n")
    with pytest.raises(CheckpointError, match="byte 0xff at offset 4 is not UTF-8"):
        read_dictionary(dictionary, 10)


def test_a_tokenizer_with_other_special_ids_is_refused(dictionary: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"<s>": 0, "a": 1, "</s>": 3, "b": 2}, unk_token="a"))
    with pytest.raises(CheckpointError, match=r"'</s>' has id 3, in fairseq's models it is 2"):
        check_special(tokenizer, dictionary)
