"""Pieces of text: characters stay whole, stop strings never show."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from toy_bundles import END, byte_tokenizer

from rfa_runtime.decoding.byte_text import ByteDetokenizer
from rfa_runtime.decoding.detokenize import detokenizer
from rfa_runtime.decoding.fallback_text import LONGEST_RUN
from rfa_runtime.decoding.stopping import StopStrings
from rfa_runtime.decoding.window_text import LONGEST_CONTEXT, REPLACEMENT, WindowDetokenizer
from rfa_runtime.errors import OptionError

TEXT = "naïve — 😀👩\u200d🚀 漢字 \ud7ff\U0010ffff end"


def pieces(tokenizer: Tokenizer, ids: list[int], kind: type | None = None) -> list[str]:
    """One piece for each token, and what was left."""
    stream = kind(tokenizer) if kind else detokenizer(tokenizer)
    return [*(stream.push(token) for token in ids), stream.flush()]


def fallback_tokenizer() -> Tokenizer:
    """Like Llama's: words with a mark for the space, and single bytes for all else."""
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)} | {"▁end": 256, "▁na": 257, "ve": 258}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def character_tokenizer(text: str) -> Tokenizer:
    vocabulary = {token: index for index, token in enumerate(["<unk>", *sorted(set(text))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


@pytest.mark.parametrize("kind", [ByteDetokenizer, WindowDetokenizer])
def test_no_character_is_ever_split(kind: type) -> None:
    found = pieces(byte_tokenizer(), list(TEXT.encode()), kind)
    assert "".join(found) == TEXT
    assert not any(REPLACEMENT in piece for piece in found)
    assert [piece for piece in found if piece] == list(TEXT)


def test_bytes_that_are_no_text_come_out_as_the_tokenizer_writes_them() -> None:
    tokenizer = byte_tokenizer()
    for seed in range(20):
        ids = np.random.default_rng(seed).integers(0, 256, 60).tolist()
        ids += [0xF0, 0x9F]
        assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids)


def test_characters_after_rubbish_are_whole_again() -> None:
    ids = [0x80] * 30 + list("😀".encode()) + [0xF0, 0x9F] + list("é".encode())
    assert "".join(pieces(byte_tokenizer(), ids)) == REPLACEMENT * 30 + "😀" + REPLACEMENT + "é"


def test_special_tokens_are_silent_and_added_ones_read_as_written() -> None:
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens(["→→"])
    ids = [*b"a", END, END + 1, *b"b", 999]
    assert pieces(tokenizer, ids) == ["a", "", "→→", "b", "", ""]
    assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids)


def test_byte_fallback_tokenizers_keep_characters_whole() -> None:
    tokenizer = fallback_tokenizer()
    ids = [257, *"ï".encode(), 258, 256, *"😀".encode(), *"€€".encode(), 256]
    found = pieces(tokenizer, ids)
    assert "".join(found) == tokenizer.decode(ids) == "naïve end😀€€ end"
    assert not any(REPLACEMENT in piece for piece in found)
    assert found[:2] == ["na", ""]


def test_byte_fallback_tokenizers_do_not_wait_for_ever() -> None:
    for token in (0x80, 0x41):
        found = pieces(fallback_tokenizer(), [token] * 100)
        assert max(len(piece) for piece in found) <= LONGEST_RUN


def test_tokenizers_of_characters_are_streamed() -> None:
    tokenizer = character_tokenizer(TEXT)
    assert pieces(tokenizer, tokenizer.encode(TEXT).ids) == [*TEXT, ""]


class Counting:
    """A tokenizer that counts what it is asked to decode."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.decoded: list[int] = []
        self.get_added_tokens_decoder = tokenizer.get_added_tokens_decoder
        self.id_to_token = tokenizer.id_to_token

    def decode(self, ids: list[int]) -> str:
        self.decoded.append(len(ids))
        return str(self.tokenizer.decode(ids))


def test_a_token_costs_the_same_at_any_length() -> None:
    counting = Counting(character_tokenizer(TEXT))
    stream = WindowDetokenizer(counting)  # type: ignore[arg-type]
    for token in [1, 2, 3, 4, 5] * 2000:
        stream.push(token)
    assert max(counting.decoded[-22:]) == max(counting.decoded[:22]) <= LONGEST_CONTEXT + 1


def test_what_is_kept_for_exact_bytes_does_not_grow_with_the_text() -> None:
    stream = ByteDetokenizer(byte_tokenizer())
    kept = set()
    for _ in range(100):
        for token in b"plain text ":
            stream.push(token)
        kept.add(sum(len(table) for table in (stream._bytes, stream._texts)))
    assert len(kept) == 1


def shown(stops: list[str], text: list[str]) -> tuple[str, bool]:
    stream, out = StopStrings(stops), ""
    for piece in text:
        out += stream.push(piece)
        if stream.found:
            return out, True
    return out + stream.flush(), False


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("stops", "text", "wanted"),
    [
        (["END"], "some ENENDING", ("some EN", True)),
        (["END"], "some EN", ("some EN", False)),
        (["aab"], "aaaab more", ("aa", True)),
        (["abc", "b"], "xabc", ("xa", True)),
        (["bc", "abc"], "xabc", ("x", True)),
        (["\n\n", "###"], "one\ntwo##\n\nthree", ("one\ntwo##", True)),
        ([], "anything", ("anything", False)),
    ],
)
def test_text_ends_before_the_first_stop_string_whatever_the_pieces(
    stops: list[str], text: str, wanted: tuple[str, bool], size: int
) -> None:
    cut = [text[start : start + size] for start in range(0, len(text), size)]
    assert shown(stops, cut) == wanted


def test_a_part_of_a_stop_string_waits() -> None:
    stream = StopStrings(["<end>"])
    assert [stream.push(piece) for piece in ("a<", "e", "nd", "<en")] == ["a", "", "", "<end"]
    assert stream.flush() == "<en"


def test_stop_strings_are_checked() -> None:
    for stops in ("", [""], [3], [b"END"], 3, b"END", True):
        with pytest.raises(OptionError, match="list of strings"):
            StopStrings(stops)  # type: ignore[arg-type]


def test_one_stop_string_may_stand_by_itself() -> None:
    assert shown("END", ["some ENDING"]) == ("some ", True)  # type: ignore[arg-type]
