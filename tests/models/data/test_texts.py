"""Text files to batches: slices change no token, batches are a function of the step."""

import itertools
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rfa_models.data import texts as data
from rfa_models.data.segments import SegmentBatches
from rfa_models.data.texts import encode, read_text, slices, split_text
from rfa_models.data.tokenizer import train_tokenizer
from rfa_models.errors import DataError

RUNS = ["a\n\n\n\nb", "a \n \n b", "x\r\n\r\ny", "f:\n    g\n\n    h\n", " \n\n", "a\nb"]
"""Texts from which BPE learns tokens of many white spaces, which a cut in the wrong place would break."""

LINES = ["the cat sat on the mat\n", "the dog's hat\n", "x = 1;\n", "日本語 café\n", *RUNS * 3]
TOKENIZERS = {kind: train_tokenizer(kind, LINES * 5, 300) for kind in ("byte", "char", "bpe")}
tokenizers = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS.keys())

NASTY = {
    "empty": "",
    "lines": "the cat\nsat on\nthe mat\n" * 20,
    "blank lines": "a\n\nb\n\n\nc\n \nd\n\n\n\ne" * 20,
    "indented lines": "f:\n    g\n\n    h\n\tk\n" * 20,
    "spaces at line ends": "the cat \n sat \n" * 20,
    "windows": "the cat\r\nsat\r\n\r\non\r\n" * 20,
    "only white space": "\n \n\t\n\n" * 20,
    "one long word": "x" * 500,
    "unicode spaces": "a\u00a0\nb\u2028\nc\x85d\n\u3000e\x1c\nf\n\x1fg\n" * 20,
    "contractions": "the dog\n's hat\n't\n're\n" * 20,
    "unicode": "日本語\n🙂\u200d🙂\n\u0301é\nnaïve\n" * 20,
    "control characters": "a\x00\n\x01b\n\x7f\n" * 20,
}
pieces = st.sampled_from(
    ["a", "the", " ", "\n", "\n\n", "\r\n", "\t", "'s", "'", "1", ";", "é", "日", "\u0301", "\u2028", "\x1c"]
)


def sliced(tokenizer: Tokenizer, text: str, size: int) -> list[int]:
    """`encode` with slices of a chosen size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "slices", lambda whole: slices(whole, size))
        return encode(tokenizer, text).tolist()


def at_once(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


@tokenizers
@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_slices_do_not_change_the_tokens_of_nasty_texts(tokenizer: Tokenizer, text: str, size: int) -> None:
    assert sliced(tokenizer, text, size) == at_once(tokenizer, text)


@tokenizers
@settings(max_examples=100, deadline=None)
@given(parts=st.lists(pieces, max_size=40), size=st.integers(1, 9))
def test_slices_do_not_change_the_tokens_of_any_text(tokenizer: Tokenizer, parts: list[str], size: int) -> None:
    text = "".join(parts)
    assert sliced(tokenizer, text, size) == at_once(tokenizer, text)


def test_these_texts_have_tokens_that_a_cut_could_break() -> None:
    assert {"ĊĊ", "ĊĠ"} & set(TOKENIZERS["bpe"].get_vocab())
    assert at_once(TOKENIZERS["bpe"], "a\n\n\nb") != [
        token for part in ("a\n", "\n", "\nb") for token in at_once(TOKENIZERS["bpe"], part)
    ]


def test_slices_join_to_the_text_and_are_of_the_size_asked_for() -> None:
    text = NASTY["lines"]
    parts = list(slices(text, 50))
    assert "".join(parts) == text
    assert len(parts) > 1
    assert all(len(part) >= 50 for part in parts[:-1])


def test_encode_gives_int32_ids() -> None:
    ids = encode(TOKENIZERS["byte"], "abc")
    assert ids.dtype == torch.int32
    assert ids.tolist() == [97, 98, 99]
    assert encode(TOKENIZERS["byte"], "").shape == (0,)


def test_reading_keeps_every_byte_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("a\rb\n\n é\u2028".encode())
    assert read_text(path).encode() == path.read_bytes()


@pytest.mark.parametrize(
    ("content", "offset"), [(b"\xff", 0), (b"abc\xe9", 3), (("é" * 5000).encode() + b"\x80ok", 10_000)]
)
def test_bytes_that_are_not_utf8_are_refused_with_their_place(tmp_path: Path, content: bytes, offset: int) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"latin.txt: byte 0x.. at offset {offset} is not UTF-8"):
        read_text(path)


def test_built_in_text_is_there_and_the_same_each_time() -> None:
    text = read_text("pydoc")
    assert len(text) > 100_000
    assert text == read_text("pydoc")


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "absent.txt")


def test_validation_text_is_cut_off_at_a_line_break() -> None:
    text = "one line of text\n" * 100
    train, valid = split_text(text, 0.1)
    assert train + valid == text
    assert train.endswith("\n")
    assert 100 < len(valid) < 300


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=60), fraction=st.floats(0.01, 0.99))
def test_split_loses_no_character(text: str, fraction: float) -> None:
    assert "".join(split_text(text, fraction)) == text


def batches(seed: int = 0, tokens: int = 103, batch: int = 3, length: int = 8) -> SegmentBatches:
    return SegmentBatches(torch.arange(tokens, dtype=torch.int32), batch, length, seed)


def test_batches_are_a_function_of_the_step_in_any_order() -> None:
    forwards, backwards = batches(), batches()
    wanted = {step: forwards(step) for step in range(12)}
    for step in reversed(range(12)):
        for found, expected in zip(backwards(step), wanted[step], strict=True):
            assert torch.equal(found, expected)


def test_batches_differ_by_step_and_by_seed() -> None:
    assert not torch.equal(batches()(0)[0], batches()(1)[0])
    assert not torch.equal(batches(seed=0)(0)[0], batches(seed=1)(0)[0])


def test_targets_are_the_inputs_one_token_later() -> None:
    inputs, targets = batches()(5)
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.shape == targets.shape == (3, 8)
    assert torch.equal(inputs + 1, targets)


def test_an_epoch_takes_every_segment_once() -> None:
    source = batches(batch=1)
    starts = [int(source(step)[0][0, 0]) for step in range(source.segments)]
    assert len(set(starts)) == source.segments
    assert {later - earlier for earlier, later in itertools.pairwise(sorted(starts))} == {8}


@settings(max_examples=50, deadline=None)
@given(length=st.integers(1, 9), extra=st.integers(0, 30), seed=st.integers(0, 5), step=st.integers(0, 40))
def test_batches_of_the_shortest_texts_stay_inside_the_text(length: int, extra: int, seed: int, step: int) -> None:
    inputs, targets = batches(seed, tokens=2 * length + 1 + extra, length=length)(step)
    assert inputs.shape == targets.shape == (3, length)


def test_text_too_short_for_two_segments_is_refused() -> None:
    with pytest.raises(DataError, match="16 tokens, segments of 8 need at least 17"):
        batches(tokens=16)
