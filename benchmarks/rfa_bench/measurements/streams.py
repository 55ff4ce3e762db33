"""Many texts through the engine: how fast together, whether each is the one by itself, whether memory stays."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfa_runtime.engine.engine import Engine
from rfa_runtime.engine.stream import Stream
from rfa_runtime.memory import current_rss_bytes
from rfa_runtime.tasks.language import Decoder

LONGEST_PROMPT = 256
LONGEST_TEXT = 128
"""Tokens; both lengths are drawn evenly from 1 on."""
WARM_SECONDS = 2.0
ALONE_TOKENS = 200
"""Of one text by itself."""
SETTLED = 0.2
"""Share of the time after which memory counts: by then every place has been used."""


@dataclass(frozen=True)
class Streams:
    """What many texts showed."""

    streams: int
    """Texts at once."""
    seconds: float
    requests: int
    """That came to their end."""
    tokens: int
    """That were written."""
    tokens_per_s: float
    """Together, prompts not counted."""
    alone_tokens_per_s: float
    """Of one text by itself, in the same process."""
    compared: int
    """Texts that were written again by themselves."""
    wrong_tokens: int
    """Of these, tokens that differ."""
    rss_settled: int
    rss_at_end: int
    provider: str = "cpu"


def measure(
    bundle: Path, streams: int, seconds: float, threads: int | None, compared: int, provider: str = "cpu"
) -> Streams:
    """Keep so many texts going for so long.  Every request has a prompt and a length drawn by chance."""
    rng = random.Random(0)
    decoder = Decoder(bundle, threads, provider)
    alone = speed_alone(decoder)
    finished: list[tuple[list[int], int, list[int]]] = []
    memory: list[int] = []
    with Engine(bundle, threads, provider, max_streams=streams, cache_bytes=0) as engine:
        going: list[tuple[list[int], int, Stream]] = []
        started = time.perf_counter()
        requests = tokens = 0
        while (passed := time.perf_counter() - started) < seconds:
            while len(going) < 2 * streams:  # some always wait
                going.append(ask(engine, rng, decoder.session.vocab_size))
            ids, length, stream = going.pop(0)
            found = stream.result()
            requests += 1
            tokens += found.completion_tokens
            if len(finished) < compared:
                finished.append((ids, length, list(found.token_ids)))
            if passed > SETTLED * seconds:
                memory.append(current_rss_bytes())
        spent = time.perf_counter() - started
    wrong = 0
    for ids, length, written in finished:
        wanted = decoder.generate(ids, temperature=0.0, max_new_tokens=length, ignore_eos=True).token_ids
        wrong += int(np.sum(np.array(written) != np.array(list(wanted))))
    return Streams(
        streams=streams,
        seconds=round(spent, 1),
        requests=requests,
        tokens=tokens,
        tokens_per_s=round(tokens / spent, 1),
        alone_tokens_per_s=round(alone, 1),
        compared=len(finished),
        wrong_tokens=wrong,
        rss_settled=memory[0],
        rss_at_end=memory[-1],
        provider=provider,
    )


def ask(engine: Engine, rng: random.Random, vocab_size: int) -> tuple[list[int], int, Stream]:
    """A request with a prompt and a length by chance."""
    ids = [rng.randrange(vocab_size) for _ in range(rng.randint(1, LONGEST_PROMPT))]
    length = rng.randint(1, LONGEST_TEXT)
    return ids, length, engine.submit(ids, temperature=0.0, max_new_tokens=length, ignore_eos=True)


def speed_alone(decoder: Decoder) -> float:
    """Tokens a second of one text by itself."""
    started = time.perf_counter()
    while time.perf_counter() - started < WARM_SECONDS:
        decoder.generate([1], temperature=0.0, max_new_tokens=8, ignore_eos=True)
    found = decoder.generate([1], temperature=0.0, max_new_tokens=ALONE_TOKENS, ignore_eos=True)
    return found.tokens_per_s
