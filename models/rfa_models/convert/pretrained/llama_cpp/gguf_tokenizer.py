"""The tokenizer inside a GGUF file: pieces with scores, or byte-level merges with a way to cut texts beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from rfa_models.convert.pretrained.piece_tokenizer import Piece, tokenizer_of_pieces
from rfa_models.errors import DataError
from rfa_models.wording import one_line, shown

PREFIX = "tokenizer.ggml."
CONTROL = 3
"""The type of a token that no text spells."""
USER_DEFINED = 4
"""The type of a token that is never cut."""
GPT4_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How GPT-4's kin cut a text into words; what numbers they leave together stands for %s."""


def byte_level(words: str | None = None) -> pre_tokenizers.PreTokenizer:
    """Cut into words, then write bytes as letters.  words: a pattern; None takes GPT-2's."""
    if words is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    cut = pre_tokenizers.Split(Regex(words), behavior="isolated")
    return pre_tokenizers.Sequence([cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def single_digits() -> pre_tokenizers.PreTokenizer:
    """SmolLM's: each digit by itself, then as GPT-2."""
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])


CUTS: Mapping[str, Callable[[], pre_tokenizers.PreTokenizer]] = {
    "gpt-2": byte_level,
    "smollm": single_digits,
    "qwen2": lambda: byte_level(GPT4_WORDS % ""),
    "llama-bpe": lambda: byte_level(GPT4_WORDS % "{1,3}"),
}
"""By the word that the file has for it."""


def read_tokenizer(table: Mapping[str, Any], path: Path) -> Tokenizer:
    """Build the tokenizer.  table: the file's settings.  Raises DataError for a kind that is not known."""
    kind = table.get(PREFIX + "model")
    tokens = list_of(table, "tokens", str, path)
    types = list_of(table, "token_type", int, path)
    if len(types) != len(tokens):
        raise DataError(f"{path}: has {len(tokens)} tokens and {len(types)} types of tokens: the file is damaged")
    special = [token for token, found in enumerate(types) if found == CONTROL]
    try:
        if kind == "llama":
            scores = list_of(table, "scores", float, path)
            pieces = [Piece(text, score) for text, score in zip(tokens, scores, strict=True)]
            return tokenizer_of_pieces(pieces, special)
        if kind == "gpt2":
            return byte_level_tokenizer(table, tokens, types, path)
    except DataError:
        raise
    except Exception as error:  # tokenizers raises bare Exception
        raise DataError(f"{path}: its tokenizer cannot be built: {one_line(error)}") from error
    raise DataError(f"{path}: its tokenizer is of kind {shown(kind)}, known are llama and gpt2")


def byte_level_tokenizer(table: Mapping[str, Any], tokens: list[str], types: list[int], path: Path) -> Tokenizer:
    """Merges of letters that stand for bytes.  Raises DataError for a way to cut texts that is not known."""
    cut = table.get(PREFIX + "pre", "gpt-2")
    if cut not in CUTS:
        raise DataError(f"{path}: its tokenizer cuts texts as {shown(cut)}, known are {', '.join(CUTS)}")
    merges = []
    for line in list_of(table, "merges", str, path):
        left, _, right = line.partition(" ")
        merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(vocab={text: token for token, text in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = CUTS[cut]()
    tokenizer.decoder = decoders.ByteLevel()
    for text, kind in zip(tokens, types, strict=True):
        if kind == CONTROL:
            tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False)])
        elif kind == USER_DEFINED:
            tokenizer.add_tokens([AddedToken(text, normalized=False)])
    return tokenizer


def list_of(table: Mapping[str, Any], key: str, kind: type, path: Path) -> list[Any]:
    """A list of the file.  Raises DataError."""
    values = table.get(PREFIX + key)
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise DataError(f"{path}: its {PREFIX}{key} is missing or no list of {kind.__name__}: the file is damaged")
    return values
