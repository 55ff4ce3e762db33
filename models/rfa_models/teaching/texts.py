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

    Raises DataError where there is less than one row, or a file is no text; OSError as `open` does.
    """
    found = []
    for file in files:
        ids = encode(tokenizer, read_text(Path(file))).to(torch.int32)
        rows = len(ids) // length
        cut = ids[: rows * length].view(rows, length)
        found.append(torch.cat([cut.new_full((rows, 1), first), cut], dim=1))
    joined = torch.cat(found)
    if not len(joined):
        raise DataError(
            f"{', '.join(map(str, files))}: less than {length} tokens of text: give more, or lower the length"
        )
    return joined
