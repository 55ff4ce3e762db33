"""From a source text to the token ids that an encoder reads."""

from __future__ import annotations

from tokenizers import Tokenizer

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.prompt import Prompt, encode_text
from rfa_runtime.decoding.token_ids import token_ids
from rfa_runtime.errors import PromptError

UNKNOWN = "<unk>"
"""The usual name of the token for what a tokenizer does not know, for tokenizers that have one and do not tell."""
CHARACTERS_PER_TOKEN = 64
"""A text with more characters than this for each token that is allowed is refused before it is encoded."""


def encode_source(source: Prompt, tokenizer: Tokenizer | None, bundle: Bundle, longest: int) -> list[int]:
    """Return the ids of a source, its end token last.  longest: tokens that are allowed.

    Raises PromptError for a source that is empty, too long, or has characters that the model has never seen.
    """
    if isinstance(source, str):
        ids = encode_known(source, tokenizer, bundle, longest)
    else:
        ids = token_ids(source, "the source")
    if not ids:
        raise PromptError("the source is empty: give some text")
    vocab_size = bundle.manifest.vocab_size
    eos = bundle.manifest.special_ids.eos
    if min(ids) < 0 or max(ids) >= vocab_size:
        raise PromptError(f"the source has tokens from {min(ids)} to {max(ids)}, the model knows 0 to {vocab_size - 1}")
    ids = ids if eos is None else [*ids, eos]
    if len(ids) > longest:
        raise PromptError(f"the source has {len(ids):,} tokens, at most {longest:,} are allowed: cut it into sentences")
    return ids


def encode_known(text: str, tokenizer: Tokenizer | None, bundle: Bundle, longest: int) -> list[int]:
    """Encode a text in which every character is known to the model."""
    if not text.strip():
        raise PromptError("the source is empty: give some text")
    if len(text) > CHARACTERS_PER_TOKEN * longest:
        raise PromptError(
            f"the source has {len(text):,} characters, far more than {longest:,} tokens hold: cut it into sentences"
        )
    ids = encode_text(text, tokenizer, bundle)
    unknown = None if tokenizer is None else tokenizer.token_to_id(unknown_token(tokenizer))
    if tokenizer is not None and unknown is not None and unknown in ids:
        found = sorted(unknown_parts(text, tokenizer, unknown))
        raise PromptError(f"the model has never seen {', '.join(map(repr, found[:5]))}: write the source without")
    return ids


def unknown_parts(text: str, tokenizer: Tokenizer, unknown: int) -> set[str]:
    """The parts of a text that become the unknown token."""
    spans = tokenizer.encode(text, add_special_tokens=False)
    found = set()
    for (start, end), token in zip(spans.offsets, spans.ids, strict=True):
        if token == unknown:
            found.add(text[start:end])
    return found


def unknown_token(tokenizer: Tokenizer) -> str:
    """Name the token that stands for what the tokenizer does not know, whether there is one or not."""
    return getattr(tokenizer.model, "unk_token", None) or UNKNOWN
