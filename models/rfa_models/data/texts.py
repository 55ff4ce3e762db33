"""Text files to batches of token ids."""

from __future__ import annotations

import pydoc_data.topics
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.data.config import DataConfig
from rfa_models.data.token_rows import encode_texts
from rfa_models.errors import DataError
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.errors import TextError
from rfa_runtime.line_files import text as text_files

BUILT_IN = "pydoc"
"""In place of a file name: the help texts that come with every Python, about 700 kB of English."""

LINE_BORDER = re.compile(r"(?<=\S\n)(?=\S)")
"""Byte-level BPE joins runs of white space, so a slice may only end at a single line break."""


def read_texts(config: DataConfig) -> tuple[str, str]:
    """Return training and validation text.  Raises DataError, or OSError as `open` does."""
    train = read_all(config.train)
    if not config.valid:
        return split_text(train, config.valid_fraction)
    return train, read_all(config.valid)


def read_all(sources: tuple[str, ...]) -> str:
    """Return the texts of all sources, one after the other."""
    return "".join(map(read_text, sources))


def read_text(source: str | Path) -> str:
    """Read a UTF-8 file, or the built-in text.  Raises DataError where it is not text, OSError as `open` does."""
    if str(source) == BUILT_IN:
        topics = pydoc_data.topics.topics
        return "\n".join(topics[name] for name in sorted(topics))
    try:
        return text_files.read_text(source)
    except TextError as error:
        raise DataError(str(error)) from error


def split_text(text: str, valid_fraction: float) -> tuple[str, str]:
    """Cut the end of a text off for validation, at a line break where there is one near."""
    cut = int(len(text) * (1 - valid_fraction))
    line_end = text.rfind("\n", 0, cut) + 1
    cut = line_end if line_end > cut - 10_000 and line_end > 0 else cut
    return text[:cut], text[cut:]


def encode(tokenizer: Tokenizer, text: str) -> Tensor:
    """Token ids of a whole text, the same as from one call of the tokenizer.  Returns int32 [tokens].

    The text is encoded in slices, in parallel, cut where no token can reach across.  Raises DataError where the
    tokenizer cannot encode it.
    """
    tokens: list[int] = []
    for ids in encode_texts(tokenizer, list(slices(text))):
        tokens += ids
    return torch.tensor(tokens, dtype=torch.int32)


def with_start(ids: Tensor, special_ids: SpecialIds) -> Tensor:
    """Put the token that begins a text before it, where the model knows one.  ids: int32 [tokens]."""
    if special_ids.bos is None:
        return ids
    return torch.cat([torch.tensor([special_ids.bos], dtype=ids.dtype), ids])


def slices(text: str, size: int = 65_536) -> Iterator[str]:
    """Cut a text into pieces of at least `size` characters, each at a single line break between two words."""
    start = 0
    while start < len(text):
        border = LINE_BORDER.search(text, start + size)
        end = border.start() if border else len(text)
        yield text[start:end]
        start = end
