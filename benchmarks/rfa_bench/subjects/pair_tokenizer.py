"""A tokenizer of any size for models with random weights: bytes, then pairs of bytes.

Decoding then spells and streams text as it does for a trained model.
"""

from __future__ import annotations

from itertools import islice, product

from tokenizers import Tokenizer, models

from rfa_models.data.tokenizer import byte_symbols, with_byte_level

SMALLEST, LARGEST = 256, 256 + 256**2


def pair_tokenizer(vocab_size: int) -> Tokenizer:
    """Byte-level BPE of exactly this size.  vocab_size: from 256 to 65,792, else raises ValueError."""
    if not SMALLEST <= vocab_size <= LARGEST:
        raise ValueError(f"vocab_size is {vocab_size}, wanted {SMALLEST} to {LARGEST}")
    symbols = byte_symbols()
    pairs = list(islice(product(symbols, symbols), vocab_size - SMALLEST))
    tokens = [*symbols, *(first + second for first, second in pairs)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return with_byte_level(Tokenizer(models.BPE(vocab=vocabulary, merges=pairs)), use_regex=True)
