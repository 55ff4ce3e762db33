"""What a text notices of others in the same engine: pauses, waits, and what each keeps in memory."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import numpy as np

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.engine.engine import Engine, stream_bytes
from rfa_runtime.engine.stream import Stream
from rfa_runtime.memory import current_rss_bytes

WARM_TOKENS = 20
STEADY_TOKENS = 300
REPEATED_TOKENS = 2048
"""Of the prompt that is read twice."""
ROUNDS = 5


@dataclass(frozen=True)
class Company:
    """The figures; the names are the contract of `rfa-bench company --json`."""

    streams: int
    """Texts that are written."""
    steady_p50_ms: float
    """From one token of a text to the next."""
    steady_p95_ms: float
    prompt_tokens: int
    """Of the prompt that comes in between."""
    beside_p95_ms: float
    """From one token to the next while that prompt is read."""
    beside_ratio: float
    prompt_ttft_s: float
    """Until the first token behind that prompt."""
    cancel_ms: float
    """From `cancel` to the last piece."""
    tokens_after_cancel: int
    """Pieces with a token that came after `cancel`."""
    ttft_s: float
    """Until the first token behind a prompt of 2,048 tokens."""
    repeated_ttft_s: float
    """The same when the prompt was read before."""
    held: int
    """Texts that were held at once."""
    held_bytes: int
    """That resident memory grew by."""
    held_expected_bytes: int
    """By the manifest: their states and rows of logits."""
    provider: str = "cpu"


def measure(
    bundle: Bundle, streams: int, prompt_tokens: int, held: int, threads: int | None, provider: str = "cpu"
) -> Company:
    """Take all figures, one after the other."""
    rng = random.Random(0)
    vocab_size = bundle.manifest.vocab_size
    with Engine(bundle, threads, provider, max_streams=streams + 1) as engine:
        texts = [endless(engine, [rng.randrange(vocab_size)]) for _ in range(streams)]
        first = texts[0]
        gaps_of(first, WARM_TOKENS)
        steady = gaps_of(first, STEADY_TOKENS)
        prompt = [rng.randrange(vocab_size) for _ in range(prompt_tokens)]
        asked = time.perf_counter()
        other = engine.submit(prompt, temperature=0.0, max_new_tokens=1)
        beside = gaps_until(first, other)
        prompt_ttft = time.perf_counter() - asked
        cancel_ms, after = cancelled(first)
        for text in texts[1:]:
            text.cancel()
        ttft, repeated = prompts_twice(engine, rng)
    grown = held_bytes(bundle, held, threads, provider)
    p95 = float(np.percentile(steady, 95))
    return Company(
        streams=streams,
        steady_p50_ms=round(1e3 * float(np.median(steady)), 3),
        steady_p95_ms=round(1e3 * p95, 3),
        prompt_tokens=prompt_tokens,
        beside_p95_ms=round(1e3 * float(np.percentile(beside, 95)), 3),
        beside_ratio=round(float(np.percentile(beside, 95)) / p95, 3),
        prompt_ttft_s=round(prompt_ttft, 3),
        cancel_ms=round(cancel_ms, 3),
        tokens_after_cancel=after,
        ttft_s=round(ttft, 4),
        repeated_ttft_s=round(repeated, 4),
        held=held,
        held_bytes=grown,
        held_expected_bytes=held * stream_bytes(bundle),
        provider=provider,
    )


def endless(engine: Engine, prompt: list[int]) -> Stream:
    """A text without an end."""
    return engine.submit(prompt, temperature=0.0, max_new_tokens=None, ignore_eos=True)


def gaps_of(text: Stream, count: int) -> list[float]:
    """Seconds between the next so many tokens of a text."""
    found = []
    next(text)
    before = time.perf_counter()
    for _ in range(count):
        next(text)
        now = time.perf_counter()
        found.append(now - before)
        before = now
    return found


def gaps_until(text: Stream, other: Stream) -> list[float]:
    """Seconds between the tokens of a text until another one has its first."""
    found = []
    before = time.perf_counter()
    while other.waiting == 0:
        next(text)
        now = time.perf_counter()
        found.append(now - before)
        before = now
    return found


def cancelled(text: Stream) -> tuple[float, int]:
    """Cancel a text.  Returns milliseconds until its end, and the tokens that still came."""
    while text.waiting:
        next(text)
    started = time.perf_counter()
    text.cancel()
    tokens = sum(piece.token_id >= 0 for piece in text)
    return 1e3 * (time.perf_counter() - started), tokens


def prompts_twice(engine: Engine, rng: random.Random) -> tuple[float, float]:
    """Medians of seconds to the first token of a long prompt: of a new one, and of the same one again."""
    fresh: list[float] = []
    again: list[float] = []
    for _ in range(ROUNDS):
        prompt = [rng.randrange(engine.session.vocab_size) for _ in range(REPEATED_TOKENS)]
        for seconds in (fresh, again):
            seconds.append(engine.submit(prompt, temperature=0.0, max_new_tokens=1).result().ttft_s)
    return float(np.median(fresh)), float(np.median(again))


def held_bytes(bundle: Bundle, held: int, threads: int | None, provider: str) -> int:
    """By how much resident memory grows from one text to so many that are written at once.

    They begin together, so that hardly a piece waits unread.
    """
    with Engine(bundle, threads, provider, max_streams=held, cache_bytes=0) as engine:
        next(endless(engine, [0]))
        before = current_rss_bytes()
        texts = engine.submit_several([0], held - 1, temperature=0.0, max_new_tokens=None, ignore_eos=True)
        for text in texts:
            next(text)
        return current_rss_bytes() - before
