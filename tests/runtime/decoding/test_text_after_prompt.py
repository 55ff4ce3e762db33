"""The pieces of an answer follow its prompt, for every kind of tokenizer and at every cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from toy_bundles import byte_tokenizer

from rfa_runtime.decoding.detokenize import detokenizer
from rfa_runtime.decoding.fallback_text import LONGEST_RUN
from rfa_runtime.decoding.window_text import REPLACEMENT

WORDS = ["<unk>", "▁", "▁the", "▁cat", "s", "▁▁", "the", ".", " ", "▁."]
SOME_BYTES = [0x0A, 0x20, 0x41, 0xE6, 0x97, 0xA5, 0xED, 0xB6, 0xFF]
MARKS_TO_SPACES = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]


def words_with(decoder: decoders.Decoder | None, words: Sequence[str]) -> Tokenizer:
    """A tokenizer of these words, some special and some added ones."""
    tokenizer = Tokenizer(models.WordLevel({word: token for token, word in enumerate(words)}, unk_token=words[0]))
    if decoder is not None:
        tokenizer.decoder = decoder
    return with_added_tokens(tokenizer)


def with_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.add_tokens(["extra", " added"])
    return tokenizer


def bytes_in_sequence() -> Tokenizer:
    """A byte-level decoder as a part of another, which is not read as bytes."""
    tokenizer = byte_tokenizer()
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel()])
    return with_added_tokens(tokenizer)


def byte_words() -> list[str]:
    return [f"<0x{byte:02X}>" for byte in SOME_BYTES]


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "byte-level": lambda: with_added_tokens(byte_tokenizer()),
    "byte-level in a sequence": bytes_in_sequence,
    "Metaspace, always a space first": lambda: words_with(decoders.Metaspace(prepend_scheme="always"), WORDS),
    "Metaspace, never a space first": lambda: words_with(decoders.Metaspace(prepend_scheme="never"), WORDS),
    "Llama's": lambda: words_with(
        decoders.Sequence([*MARKS_TO_SPACES, decoders.Strip(" ", 1, 0)]), WORDS + byte_words()
    ),
    "Gemma's": lambda: words_with(decoders.Sequence(MARKS_TO_SPACES), WORDS + byte_words()),
    "WordPiece": lambda: words_with(decoders.WordPiece(), ["[UNK]", "the", "##s", "cat", ".", "n't", "##", "'"]),
    "BPE with suffixes": lambda: words_with(decoders.BPEDecoder(), ["<unk>", "the</w>", "ca", "t</w>", ".</w>"]),
    "characters": lambda: words_with(decoders.Fuse(), ["<unk>", *"abc 日é"]),
    "words without a decoder": lambda: words_with(None, ["<unk>", "the", "cat", "."]),
    "CTC": lambda: words_with(decoders.CTC(), ["<pad>", "a", "b", "|"]),
}


def answer(tokenizer: Tokenizer, prompt: list[int], ids: list[int]) -> str:
    """The pieces of some tokens after a prompt, joined."""
    stream = detokenizer(tokenizer, prompt)
    text = ""
    for token in ids:
        text += stream.push(token)
    return text + stream.flush()


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_and_pieces_are_the_text_of_all_tokens_at_every_cut(kind: str) -> None:
    tokenizer = KINDS[kind]()
    highest = tokenizer.get_vocab_size() + 1  # two ids that no token has

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.integers(0, highest), max_size=LONGEST_RUN), st.data())
    def check(ids: list[int], data: st.DataObject) -> None:
        cut = data.draw(st.integers(0, len(ids)))
        prompt = tokenizer.decode(ids[:cut])
        whole = tokenizer.decode(ids)
        assume(whole.startswith(prompt))
        assert prompt + answer(tokenizer, ids[:cut], ids[cut:]) == whole

    check()


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.text("aé日😀 \n", max_size=40), st.data())
@example("日" * LONGEST_RUN, None)
def test_text_in_byte_tokens_is_never_split(text: str, data: st.DataObject | None) -> None:
    tokenizer = words_with(
        decoders.Sequence([*MARKS_TO_SPACES, decoders.Strip(" ", 1, 0)]),
        ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))],
    )
    ids = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in text.encode()]
    cut = data.draw(st.integers(0, len(ids))) if data else 0
    stream = detokenizer(tokenizer, ids[:cut])
    pieces = [*map(stream.push, ids[cut:]), stream.flush()]
    assert REPLACEMENT not in "".join(pieces)
    prompt = tokenizer.decode(ids[:cut])
    if tokenizer.decode(ids).startswith(prompt):
        assert prompt + "".join(pieces) == tokenizer.decode(ids)


def test_an_answer_completes_the_character_that_its_prompt_began() -> None:
    for kind in ("byte-level", "Llama's"):
        tokenizer = KINDS[kind]()
        ids = list("日".encode())
        if kind == "Llama's":
            ids = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in ids]
        assert answer(tokenizer, ids[:2], [ids[2], *ids]) == "日日"


def test_a_prompt_of_any_length_costs_the_same() -> None:
    tokenizer = KINDS["Llama's"]()
    decoded = []

    class Counting:
        decoder = tokenizer.decoder
        get_added_tokens_decoder = tokenizer.get_added_tokens_decoder
        id_to_token = tokenizer.id_to_token

        def decode(self, ids: list[int]) -> str:
            decoded.append(len(ids))
            return str(tokenizer.decode(ids))

    byte = tokenizer.token_to_id("<0x41>")
    stream = detokenizer(Counting(), [2, byte] * 50_000)  # type: ignore[arg-type]
    assert stream.push(3) == " cat"
    assert len(decoded) < 200
    assert max(decoded) <= LONGEST_RUN
