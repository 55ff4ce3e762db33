"""Text to ids and back: byte, character and BPE tokenizers, all as `tokenizers.Tokenizer`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from rfa_models.errors import ConfigError, DataError

TokenizerKind = Literal["byte", "char", "bpe"]
UNKNOWN = "<unk>"


def train_tokenizer(kind: TokenizerKind, lines: Iterable[str], vocab_size: int) -> Tokenizer:
    """Make a tokenizer for the given text.

    byte: ids are the byte values, nothing is learned.  char: one id per character of the text, others are unknown.
    bpe: byte-level BPE with up to `vocab_size` tokens, so that no text is unknown to it.
    Raises ConfigError for a vocabulary too small, DataError for a text without characters.
    """
    if kind == "byte":
        return byte_tokenizer()
    if kind == "char":
        return char_tokenizer(lines)
    return bpe_tokenizer(lines, vocab_size)


def byte_tokenizer() -> Tokenizer:
    """256 tokens, id = byte value."""
    vocabulary = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    return with_byte_level(tokenizer, use_regex=False)


def char_tokenizer(lines: Iterable[str]) -> Tokenizer:
    """One token per character found in the text, and one for all others."""
    characters = sorted({character for line in lines for character in line})
    if not characters:
        raise DataError("the text has no characters: a character tokenizer needs some to learn from")
    vocabulary = {token: index for index, token in enumerate([UNKNOWN, *characters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def bpe_tokenizer(lines: Iterable[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE learned from the text."""
    if vocab_size < 256:
        raise ConfigError(f"tokenizer.vocab_size is {vocab_size}, byte-level BPE needs at least 256")
    tokenizer = with_byte_level(Tokenizer(models.BPE()), use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def with_byte_level(tokenizer: Tokenizer, use_regex: bool) -> Tokenizer:
    """Read and write text as bytes: lossless in both directions."""
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def byte_symbols() -> list[str]:
    """The printable stand-in of each byte in byte-level vocabularies, in order of the bytes (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]
