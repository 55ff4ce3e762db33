"""Texts that begin and end: each stands between a start token and an end token."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.data.config import Documents, TextConfig
from rfa_models.data.texts import read_text
from rfa_models.data.token_rows import encode_texts
from rfa_models.data.tokenizer import END, START
from rfa_models.errors import DataError

BLANK_LINES = re.compile(r"\n\s*\n")


def read_documents(config: TextConfig) -> tuple[list[str], list[str]]:
    """Return the documents for training and for validation.

    Raises DataError where there are too few, or OSError as `open` does.
    """
    train = documents_of(config.train, config.documents)
    if config.valid:
        return train, documents_of(config.valid, config.documents)
    return split_documents(train, config.valid_fraction)


def documents_of(sources: Sequence[str], kind: Documents) -> list[str]:
    """The documents of some files that are not empty.  Raises DataError where there are none."""
    found: list[str] = []
    for source in sources:
        for document in cut(read_text(source), kind):
            if document.strip():
                found.append(document)
    if not found:
        raise DataError(f"{', '.join(sources)}: no document, wanted at least one {kind} with text")
    return found


def cut(text: str, kind: Documents) -> list[str]:
    """Cut the text of a file into documents."""
    if kind == "line":
        return text.split("\n")
    if kind == "paragraph":
        return BLANK_LINES.split(text.strip("\n"))
    return [text]


def split_documents(documents: list[str], valid_fraction: float) -> tuple[list[str], list[str]]:
    """Keep the last documents apart, so many that they hold this part of the text."""
    if len(documents) < 2:
        raise DataError("there is one document, of which none can be kept apart: give a validation file")
    wanted = valid_fraction * sum(map(len, documents))
    size = 0
    first = len(documents)
    while size < wanted and first > 1:
        first -= 1
        size += len(documents[first])
    return documents[:first], documents[first:]


def encode_documents(tokenizer: Tokenizer, documents: list[str]) -> Tensor:
    """Token ids of documents in a row, each between the start token and the end token.  Returns int32 [tokens]."""
    start, end = tokenizer.encode(START + END, add_special_tokens=False).ids
    tokens: list[int] = []
    for ids in encode_texts(tokenizer, documents):
        tokens += [start, *ids, end]
    return torch.tensor(tokens, dtype=torch.int32)
