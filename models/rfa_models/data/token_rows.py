"""Token ids of many texts of unlike lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.errors import DataError
from rfa_models.wording import one_line


class TokenRows:
    """Rows of unlike lengths, one after the other in one tensor."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        self.lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        """int64 [rows]"""
        self.ids = torch.empty(int(self.lengths.sum()), dtype=torch.int32)
        """int32 [tokens of all rows]"""
        self._starts = self.lengths.cumsum(0) - self.lengths
        for row, start in zip(rows, self._starts.tolist(), strict=True):
            self.ids[start : start + len(row)] = torch.tensor(row, dtype=torch.int32)

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Some rows as a rectangle, filled up with id 0.  rows: int64 [B].

        Returns ids and mask, int64 [B, T]; the mask is 1 at tokens.
        """
        lengths = self.lengths[rows, None]
        place = torch.arange(round_width(int(lengths.max())))
        keep = (place < lengths).long()
        return self.ids[(self._starts[rows, None] + place) * keep].long() * keep, keep


def round_width(width: int) -> int:
    """A width that many batches share, at most a sixteenth larger: torch keeps memory for every shape that it has seen.

    Training on ListOps in bfloat16 grew to 7 GB with widths as they came.
    """
    step = 1 << max(0, width.bit_length() - 5)
    return -(-width // step) * step


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text.  A text that spells a special token's name is text: it cannot end a source, for example.

    Raises DataError where the tokenizer cannot encode one.
    """
    with special_tokens_as_text(tokenizer):
        return encode_all(tokenizer, texts)


def encode_all(tokenizer: Tokenizer, texts: Iterable[str]) -> list[list[int]]:
    """Ids of each text, encoded in parallel.  Raises DataError where the tokenizer cannot encode one."""
    try:
        encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    except Exception as error:  # tokenizers raises bare Exception, for an unknown word for instance
        raise DataError(f"the tokenizer cannot encode the text ({one_line(error)})") from error
    return [encoding.ids for encoding in encodings]


@contextmanager
def special_tokens_as_text(tokenizer: Tokenizer) -> Iterator[None]:
    """Within the `with` block the names of special tokens are letters like others; then as the caller had it."""
    before = tokenizer.encode_special_tokens
    tokenizer.encode_special_tokens = True
    try:
        yield
    finally:
        tokenizer.encode_special_tokens = before
