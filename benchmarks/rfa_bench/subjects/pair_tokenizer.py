"""A tokenizer of any size for models with random weights: bytes, then pairs of bytes.

A decoder then spells and streams text as it does for a trained model.
"""

from __future__ import annotations

from itertools import islice, product

from tokenizers import Tokenizer, models

from rfa_bench.subjects.shapes import BYTES
from rfa_models.data.tokenizer import byte_symbols, with_byte_level

LARGEST = BYTES + BYTES**2


def pair_tokenizer(vocab_size: int) -> Tokenizer:
    """Byte-level BPE of exactly this size.  vocab_size: from 256 to 65,792, else raises ValueError."""
    if not BYTES <= vocab_size <= LARGEST:
        raise ValueError(f"vocab_size is {vocab_size}, wanted {BYTES} to {LARGEST}")
    symbols = byte_symbols()
    pairs = list(islice(product(symbols, symbols), vocab_size - BYTES))
    tokens = [*symbols, *map("".join, pairs)]
    numbers = range(len(tokens))
    vocabulary = dict(zip(tokens, numbers, strict=True))
    return with_byte_level(Tokenizer(models.BPE(vocab=vocabulary, merges=pairs)), use_regex=True)
