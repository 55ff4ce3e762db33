"""From a prompt to the token ids that a model continues."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import BundleError, PromptError

TOKENIZER = "tokenizer.json"
Prompt = str | Sequence[int]
"""Text, or token ids."""


def load_tokenizer(bundle: Bundle) -> Tokenizer | None:
    """Read the bundle's tokenizer; None where it has none, and only token ids go in and out."""
    if TOKENIZER not in bundle.manifest.files:
        return None
    try:
        tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise BundleError(f"{bundle.path.name}/{TOKENIZER} cannot be read: {error}") from error
    tokenizer.encode_special_tokens = True  # a text that spells one is text: it cannot end a source or start a target
    return tokenizer


def encode_prompt(prompt: Prompt, tokenizer: Tokenizer | None, bundle: Bundle) -> list[int]:
    """Return the ids to read before the first token is chosen: at least one, the start token first if there is one."""
    ids = encode_text(prompt, tokenizer, bundle) if isinstance(prompt, str) else [int(token) for token in prompt]
    vocab_size, bos = bundle.manifest.vocab_size, bundle.manifest.special_ids.bos
    if bos is not None:
        ids = [bos, *ids]
    if not ids:
        raise PromptError("the prompt is empty and the model has no token to start a text from: give some text")
    if min(ids) < 0 or max(ids) >= vocab_size:
        raise PromptError(f"the prompt has tokens from {min(ids)} to {max(ids)}, the model knows 0 to {vocab_size - 1}")
    return ids


def encode_text(text: str, tokenizer: Tokenizer | None, bundle: Bundle) -> list[int]:
    """Encode text without special tokens.  Raises PromptError for what is no text."""
    if tokenizer is None:
        raise PromptError(f"{bundle.path.name} has no {TOKENIZER}: give the prompt as token ids")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(f"the prompt is not valid text at character {error.start}: is it UTF-8?") from error
    return list(tokenizer.encode(text, add_special_tokens=False).ids)
