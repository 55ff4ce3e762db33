"""Files of text as rows of tokens, beside what the teacher writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.data.texts import encode, read_text
from rfa_models.errors import DataError


def read_rows(files: Sequence[str | Path], tokenizer: Tokenizer, first: int, length: int) -> Tensor:
    """Cut texts into rows that begin with a token, int32 [rows, length + 1].  What is left at an end is left out.

    Raises DataError for a file that is no text, or less than one row; OSError as `open` does.
    """
    found = []
    for file in files:
        ids = encode(tokenizer, read_text(Path(file))).to(torch.int32)
        rows = len(ids) // length
        if not rows:
            raise DataError(f"{file}: less than {length} tokens of text: give more, or lower the length")
        cut = ids[: rows * length].view(rows, length)
        found.append(torch.cat([cut.new_full((rows, 1), first), cut], dim=1))
    return torch.cat(found)
