"""A tokenizer from pieces with scores, as sentencepiece's BPE has it: the pair with the best score is joined first.

Text begins with a blank, blanks are written as U+2581, and what no piece spells falls back to its bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer, decoders, models, normalizers

BLANK = "\u2581"
LONGEST = 256
"""Characters of a piece that is made of others: a longer one would cost the square of its length, and none is used."""
UNKNOWN = 0
"""The id of what cannot be spelled; bytes can spell everything."""


@dataclass(frozen=True)
class Piece:
    """One token."""

    text: str
    score: float


def tokenizer_of_pieces(pieces: Sequence[Piece], special: Sequence[int]) -> Tokenizer:
    """Build the tokenizer.  pieces: by id.  special: ids of tokens that no text spells."""
    ids: dict[str, int] = {}
    for token, piece in enumerate(pieces):
        ids.setdefault(piece.text, token)
    unknown = pieces[UNKNOWN].text
    model = models.BPE(
        vocab=ids, merges=merges(pieces, ids, special), unk_token=unknown, fuse_unk=True, byte_fallback=True
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(BLANK), normalizers.Replace(" ", BLANK)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(BLANK, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([pieces[token].text for token in special])
    return tokenizer


def merges(pieces: Sequence[Piece], ids: dict[str, int], special: Sequence[int]) -> list[tuple[str, str]]:
    """Every way to join two pieces into a third, the best score first; of equal scores the earlier piece."""
    found = []
    for token, piece in enumerate(pieces):
        if token in special or token == UNKNOWN or is_byte(piece.text) or len(piece.text) > LONGEST:
            continue
        for cut in range(1, len(piece.text)):
            left = piece.text[:cut]
            right = piece.text[cut:]
            if left in ids and right in ids:
                found.append((-piece.score, token, ids[left], ids[right], (left, right)))
    found.sort()
    return [pair for *_, pair in found]


def is_byte(text: str) -> bool:
    """Whether a piece stands for one byte: <0x0A>."""
    return len(text) == 6 and text.startswith("<0x") and text.endswith(">")
