"""Text to ids and back: byte, character, word and BPE tokenizers, all as `tokenizers.Tokenizer`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from rfa_models.checks import LARGEST_SIZE, check_choices, check_whole
from rfa_models.errors import ConfigError, DataError
from rfa_models.wording import shown

TokenizerKind = Literal["byte", "char", "bpe", "word"]
UNKNOWN = "<unk>"
START = "<s>"
"""Before a target."""
END = "</s>"
"""After a source or target."""
CLASS = "<cls>"
"""Before a text, where a classifier reads the place of its first token."""
LONGEST_WORD = 512
"""Bytes of a word that byte-pair merges are learnt from in one piece; the longest in ordinary text have about 90.

Learning takes time quadratic in the longest word: 0.6 s for 40 kB without a space.  In pieces of 256 to 4,096 bytes,
2 MB take about the same, 2 to 5 s."""


@dataclass(frozen=True)
class TokenizerConfig:
    """How text becomes tokens."""

    kind: TokenizerKind = "bpe"
    """Bytes, characters, byte-pair merges learnt from the data, or words between white space."""
    vocab_size: int = 512
    """Number of tokens of `bpe`, and the largest number of `word`: the others know their own."""
    replace: dict[str, str] = field(default_factory=dict)
    """Of `word`: what to put in place of some letters before the text is split, nothing for instance."""

    def __post_init__(self) -> None:
        check_choices(self, kind=TokenizerKind)
        check_whole(self, 0, LARGEST_SIZE, "vocab_size")
        if self.replace and self.kind != "word":
            raise ConfigError(f"tokenizer.replace with kind = {self.kind!r}: only 'word' may change a text")
        for old, new in self.replace.items():
            if not old or not isinstance(new, str):
                raise ConfigError(f"tokenizer.replace has {shown(old)} = {shown(new)}, wanted a text for a text")


def make_tokenizer(config: TokenizerConfig, lines: Iterable[str], special_tokens: tuple[str, ...] = ()) -> Tokenizer:
    """The tokenizer that a recipe asks for, which knows special tokens, too.

    Raises ConfigError for a vocabulary too small, DataError for a text without characters.
    """
    if config.kind == "bpe":
        return bpe_tokenizer(lines, config.vocab_size, special_tokens)
    if config.kind == "word":
        tokenizer = word_tokenizer(lines, config.vocab_size, config.replace)
    else:
        tokenizer = train_tokenizer(config.kind, lines, config.vocab_size)
    tokenizer.add_special_tokens(list(special_tokens))
    return tokenizer


def check_kind(tokenizer: Tokenizer, config: TokenizerConfig, source: Path) -> None:
    """Raise ConfigError where a recipe asks for another kind of tokenizer than a model has.

    A recipe without [tokenizer] takes any.  source: the model's file, named in the error.
    """
    if config != TokenizerConfig() and ways(tokenizer) != ways(make_tokenizer(config, ["a"])):
        raise ConfigError(
            f"{source} has another tokenizer than tokenizer.kind = {config.kind!r} makes, and keeps it: "
            "leave [tokenizer] out of the recipe"
        )


def ways(tokenizer: Tokenizer) -> list[Any]:
    """How a tokenizer takes a text apart and puts it together, whatever tokens it has learnt."""
    table = json.loads(tokenizer.to_str())
    return [table["normalizer"], table["pre_tokenizer"], table["decoder"], table["model"]["type"]]


def train_tokenizer(kind: TokenizerKind, lines: Iterable[str], vocab_size: int) -> Tokenizer:
    """Make a tokenizer for the given text.

    byte: ids are the byte values, nothing is learned.  char: one id per character of the text, others are unknown.
    bpe: byte-level BPE with up to `vocab_size` tokens, so that no text is unknown to it.
    word: one id for each of the most frequent words between white spaces, others are unknown.
    Raises ConfigError for a vocabulary too small, DataError for a text without characters.
    """
    if kind == "byte":
        return byte_tokenizer()
    if kind == "char":
        return char_tokenizer(lines)
    if kind == "word":
        return word_tokenizer(lines, vocab_size)
    return bpe_tokenizer(lines, vocab_size)


def byte_tokenizer() -> Tokenizer:
    """256 tokens, id = byte value."""
    tokenizer = Tokenizer(models.BPE(vocab=numbered(byte_symbols()), merges=[]))
    return with_byte_level(tokenizer, use_regex=False)


def char_tokenizer(lines: Iterable[str]) -> Tokenizer:
    """One token per character found in the text, and one for all others."""
    characters = set[str]()
    for line in lines:
        characters.update(line)
    if not characters:
        raise DataError("the text has no characters: a character tokenizer needs some to learn from")
    tokenizer = Tokenizer(models.WordLevel(numbered([UNKNOWN, *sorted(characters)]), unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def word_tokenizer(lines: Iterable[str], vocab_size: int, replace: dict[str, str] | None = None) -> Tokenizer:
    """One token per frequent word found in the text, and one for all others."""
    replacements = [normalizers.Replace(old, new) for old, new in (replace or {}).items()]
    normalizer = normalizers.Sequence(replacements)
    counts = Counter[str]()
    for line in lines:
        counts.update(normalizer.normalize_str(line).split())
    counts.pop(UNKNOWN, None)
    if not counts or vocab_size < 2:
        raise DataError(f"{len(counts)} words for a vocabulary of {vocab_size}, wanted at least 1 and 2: give text")
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: vocab_size - 1]
    tokenizer = Tokenizer(models.WordLevel(numbered([UNKNOWN, *frequent]), unk_token=UNKNOWN))
    if replace:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def bpe_tokenizer(lines: Iterable[str], vocab_size: int, special_tokens: tuple[str, ...] = ()) -> Tokenizer:
    """Byte-level BPE learned from the text; special tokens come first.

    Words of over LONGEST_WORD bytes are learned from in pieces, and encoded in one.
    """
    smallest = 256 + len(special_tokens)
    if vocab_size < smallest:
        raise ConfigError(f"tokenizer.vocab_size is {vocab_size}, byte-level BPE needs at least {smallest}")
    tokenizer = with_byte_level(Tokenizer(models.BPE()), use_regex=True)
    words = tokenizer.pre_tokenizer
    pieces = pre_tokenizers.Split(Regex(f".{{{LONGEST_WORD}}}"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pieces])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(special_tokens),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.pre_tokenizer = words
    return tokenizer


def with_byte_level(tokenizer: Tokenizer, use_regex: bool) -> Tokenizer:
    """Read and write text as bytes: lossless in both directions."""
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def with_whole_texts(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer without settings that cut texts or fill them up: a copy where there are any."""
    if not tokenizer.truncation and not tokenizer.padding:
        return tokenizer
    whole = Tokenizer.from_str(tokenizer.to_str())
    whole.no_truncation()
    whole.no_padding()
    return whole


def numbered(tokens: list[str]) -> dict[str, int]:
    """A vocabulary of tokens whose ids are their places in the list."""
    return {token: index for index, token in enumerate(tokens)}


def byte_symbols() -> list[str]:
    """The printable stand-in of each byte in byte-level vocabularies, in order of the bytes (GPT-2's table)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    symbols = []
    for byte in range(256):
        code = byte if byte in printable else next(others)
        symbols.append(chr(code))
    return symbols
