"""A short proof that two runs read the same text."""

from __future__ import annotations

import hashlib

from tokenizers import Tokenizer
from torch import Tensor


def text_fingerprint(tokenizer: Tokenizer, *texts: Tensor) -> str:
    """Hash token ids and the tokenizer that made them: equal only where the same tokens mean the same text.

    texts: whole numbers, each of any length.
    """
    digest = hashlib.sha256(tokenizer.to_str().encode())
    for ids in texts:
        digest.update(f"{len(ids)} tokens".encode())
        digest.update(ids.numpy().tobytes())
    return digest.hexdigest()
