"""From a prompt to a state that has read it.

Letters: N vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from tokenizers import Tokenizer

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import MODEL, TOKENIZER
from rfa_runtime.decoding.token_ids import token_ids
from rfa_runtime.errors import BundleError, PromptError
from rfa_runtime.line_files.text import fault_of
from rfa_runtime.session.ort import shortened
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

Ids = TypeVar("Ids")
"""The token ids of a text, or of the documents of a pair."""
Prompt = str | Sequence[int]
"""Text, or token ids."""
Progress = Callable[[int, int], None]
"""Called with the tokens of a prompt that were read so far, and with all that it has."""
CHUNK = 256
"""Tokens of a prompt that are read at once: memory stays bounded, and a step is long enough to use all cores.

At the GPT-2-small shape on 2 threads, 128, 512 and 1,024 tokens take 1.03, 1.03 and 1.04 times as long as 256 with int4
weights, 1.04, 1.00 and 1.07 times with a graph for throughput, 1.06, 0.96 and 0.92 times with float32.  512 tokens need
22 to 29 MB more."""


LONG_TEXT = 1 << 14
"""Characters from which a text is encoded as a batch: `encode` holds the interpreter's lock, a second for a million
characters, and all other threads wait."""


def as_batch(prompts: Any) -> list[Any]:
    """Return what was given for a batch as a list; one text may stand by itself."""
    return [prompts] if isinstance(prompts, str) else list(prompts)


def read_each(read: Callable[[Any], Ids], texts: Sequence[Any]) -> list[Ids]:
    """Read every text of a batch.  read: raises PromptError.  The error of one among several says which it is."""
    found = []
    for place, text in enumerate(texts, 1):
        try:
            found.append(read(text))
        except PromptError as error:
            if len(texts) == 1:
                raise
            raise PromptError(f"text {place} of {len(texts)}: {error}") from error
    return found


def check_task(bundle: Bundle, task: str) -> None:
    """Raise BundleError for a bundle of another task, and for one whose graph does not end in the last logits."""
    name = bundle.path.name
    if bundle.manifest.task != task:
        raise BundleError(f"{name} is for the task {bundle.manifest.task!r}, wanted a bundle for {task!r}")
    if bundle.graph(MODEL).logits != "last":
        raise BundleError(f"{name}: the graph {MODEL!r} gives all logits, wanted those of the last position")


def load_tokenizer(bundle: Bundle) -> Tokenizer | None:
    """Read the bundle's tokenizer; None where it has none, and only token ids go in and out."""
    if TOKENIZER not in bundle.manifest.files:
        return None
    try:
        tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise BundleError(f"{bundle.path.name}/{TOKENIZER} cannot be read: {shortened(error)}") from error
    tokenizer.no_truncation()  # settings of whoever wrote the file: they would cut prompts without a word
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # a text that spells one is text: it cannot end a source or start a target
    return tokenizer


def encode_prompt(prompt: Prompt, tokenizer: Tokenizer | None, bundle: Bundle) -> list[int]:
    """Return the ids to read before the first token is chosen: at least one, the start token first if there is one.

    Token ids that begin with the start token keep their one.
    """
    if isinstance(prompt, str):
        ids = encode_text(prompt, tokenizer, bundle)
    else:
        ids = token_ids(prompt)
    bos = bundle.manifest.special_ids.bos
    if bos is not None and ids[:1] != [bos]:
        ids = [bos, *ids]
    if not ids:
        raise PromptError("the prompt is empty and the model has no token to start a text from: give some text")
    return known_ids(ids, bundle)


def encode_more(prompt: Prompt, tokenizer: Tokenizer | None, bundle: Bundle) -> list[int]:
    """Return the ids of what follows a text that was begun: without a start token, and perhaps none."""
    if isinstance(prompt, str):
        return encode_text(prompt, tokenizer, bundle) if prompt else []
    return known_ids(token_ids(prompt), bundle)


def known_ids(ids: list[int], bundle: Bundle) -> list[int]:
    """Return ids as they are.  Raises PromptError for one that the model does not know."""
    vocab_size = bundle.manifest.vocab_size
    if ids and (min(ids) < 0 or max(ids) >= vocab_size):
        raise PromptError(f"the prompt has tokens from {min(ids)} to {max(ids)}, the model knows 0 to {vocab_size - 1}")
    return ids


def encode_text(text: str, tokenizer: Tokenizer | None, bundle: Bundle) -> list[int]:
    """Encode text without special tokens.  Raises PromptError for what is no text, or has no tokens that are known."""
    if tokenizer is None:
        raise PromptError(f"{bundle.path.name} has no {TOKENIZER}: give the prompt as token ids")
    fault = fault_of(text)
    if fault is not None:
        raise PromptError(f"the prompt has {fault}: write it without, in UTF-8")
    try:
        if len(text) < LONG_TEXT:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)
        return list(tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids)
    except Exception as error:  # the tokenizers library raises bare Exception, for an unknown word for instance
        raise PromptError(f"{bundle.path.name}/{TOKENIZER} cannot encode the text: {shortened(error)}") from error


def read_in_chunks(
    session: StepSession, ids: list[int], state: State, progress: Progress | None = None, chunk: int = CHUNK
) -> np.ndarray:
    """Read a prompt and advance a state of one row.  Returns the logits after it, [1, N].

    ids: one at least.  progress: called after each step.  chunk: tokens of a step.
    """
    for start in range(0, len(ids), chunk):
        piece = ids[start : start + chunk]
        logits = session.step(np.array([piece], np.int64), state)
        if progress is not None:
            progress(start + len(piece), len(ids))
    return logits
