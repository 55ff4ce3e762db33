"""Perplexity of a bundle on a text.

The text is one stream of tokens cut into segments; each starts from an empty state, and every token after the stream's
first is predicted once.  `rfa_models.commands.evaluate` does the same in torch, the results should agree.

Letters: B segments at once, T tokens, N vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfa_runtime.bar import progress_bar
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import LANGUAGE_MODEL, MODEL, SCORE
from rfa_runtime.checks import whole_number
from rfa_runtime.decoding.prompt import CHUNK, check_task, encode_prompt, load_tokenizer
from rfa_runtime.errors import LogitsError, TextError
from rfa_runtime.session.step import StepSession

LARGEST_LOSS = 700.0
"""Of a token on average: e to a higher power is no number any more, and no model that was trained comes near."""
LARGEST_SETTING = 1 << 31
MAX_LOGITS_BYTES = 64 << 20
"""Of one step's logits [B, T, N]: the batch, then the step, is cut to stay below."""


@dataclass(frozen=True)
class Score:
    """How well a text was predicted; the names are the contract of `rfa-run --score --json`."""

    perplexity: float
    """exp of the mean negative log likelihood of a token."""
    tokens: int
    """That were predicted."""
    items: int
    """Segments."""
    bits_per_byte: float
    """Comparable between tokenizers."""
    bytes: int
    """Of the text in UTF-8."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def score_text(
    bundle: Bundle | Path | str,
    text: str,
    segment_length: int | None = None,
    batch: int = 8,
    threads: int | None = None,
    provider: str = "cpu",
) -> Score:
    """Score a text.

    segment_length: tokens read from one empty state; None takes the bundle's, 0 carries the state through the text.
    batch: segments side by side.  Shows its progress where standard error is a terminal.
    """
    if not isinstance(bundle, Bundle):
        bundle = read_bundle(bundle)
    check_task(bundle, LANGUAGE_MODEL)
    ids = stream_of(text, bundle)
    length = bundle.manifest.scoring.get("segment_length", 0) if segment_length is None else segment_length
    length = whole_number("segment_length", length, 0, LARGEST_SETTING)
    batch = whole_number("batch", batch, 1, LARGEST_SETTING)
    role = SCORE if SCORE in bundle.manifest.graphs else MODEL
    session = StepSession(bundle, threads, provider, role)
    length = min(length or len(ids) - 1, len(ids) - 1)
    batch, chunk = fit_memory(session, length, batch)
    total = 0.0
    with progress_bar("score", len(ids) - 1) as bar:
        for inputs, targets in segments(ids, length, batch):
            for loss, count in losses(session, inputs, targets, chunk):
                total += loss
                bar.advance(count)
    size = len(text.encode())
    tokens = len(ids) - 1
    if not total / tokens < LARGEST_LOSS:  # also refuses NaN
        raise LogitsError(f"the mean loss of a token is {total / tokens}: the weights are damaged")
    return Score(math.exp(total / tokens), tokens, math.ceil(tokens / length), total / math.log(2) / size, size)


def stream_of(text: str, bundle: Bundle) -> np.ndarray:
    """The whole text as ids, the start token first where there is one.  Returns int64 [tokens], two at least."""
    ids = encode_prompt(text, load_tokenizer(bundle), bundle) if text else []
    if len(ids) < 2:
        raise TextError(f"the text has {len(ids)} token(s), a score needs at least 2")
    return np.array(ids, np.int64)


def fit_memory(session: StepSession, length: int, batch: int) -> tuple[int, int]:
    """Choose segments per batch and tokens per step so that the logits stay bounded."""
    if session.graph.logits == "last":
        return batch, 1
    room = max(1, MAX_LOGITS_BYTES // (4 * session.vocab_size))
    if length > min(room, CHUNK):
        return 1, min(room, CHUNK)
    return min(batch, room // length), length


def segments(ids: np.ndarray, length: int, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut a stream into batches of segments: inputs and targets [B, T].  A shorter one at the end comes by itself."""
    inputs = ids[:-1]
    targets = ids[1:]
    whole = len(inputs) // length * length
    input_rows = inputs[:whole].reshape(-1, length)
    target_rows = targets[:whole].reshape(-1, length)
    for start in range(0, len(input_rows), batch):
        yield input_rows[start : start + batch], target_rows[start : start + batch]
    if whole < len(inputs):
        yield inputs[None, whole:], targets[None, whole:]


def losses(session: StepSession, inputs: np.ndarray, targets: np.ndarray, chunk: int) -> Iterator[tuple[float, int]]:
    """Yield the negative log likelihood and count of the tokens of each step.  inputs, targets: [B, T]."""
    state = session.new_state(len(inputs), capacity=inputs.shape[1])
    for start in range(0, inputs.shape[1], chunk):
        logits = session.step(inputs[:, start : start + chunk], state)
        wanted = targets[:, start : start + chunk]
        yield negative_log_likelihood(logits.reshape(wanted.size, -1), wanted.reshape(-1)), wanted.size


def negative_log_likelihood(logits: np.ndarray, targets: np.ndarray) -> float:
    """Sum over all tokens, in float64.  logits: float32 [B*T, N], overwritten.  targets: [B*T]."""
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(targets)), targets].astype(np.float64)
    np.exp(logits, out=logits)
    return float((np.log(logits.sum(axis=1, dtype=np.float64)) - chosen).sum())
