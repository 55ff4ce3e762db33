"""Many texts through the engine: how fast together, whether each is the one by itself, whether memory stays.

A text is read again by itself, token by token.  A token of it is wrong where the model by itself prefers another one by
more than rounding explains.  Quantized products round a batch otherwise than a row: where two tokens are nearly as
likely as each other, either may come, and is a near tie.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfa_export.tolerances import LOGITS_FLOAT32, NEAR_TIE
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import OUR_TARGET
from rfa_runtime.decoding.prompt import read_in_chunks
from rfa_runtime.engine.engine import Engine
from rfa_runtime.engine.stream import Stream
from rfa_runtime.memory import current_rss_bytes
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.language import Decoder

LONGEST_PROMPT = 256
LONGEST_TEXT = 128
"""Tokens; both lengths are drawn evenly from 1 on."""
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
    """Together.  Tokens of prompts are not counted; the time in which they are read is."""
    alone_tokens_per_s: float
    """Of the first of these texts, one after the other, in the same process: their prompts take their time, too."""
    compared: int
    """These first ones."""
    equal_texts: int
    """Of these, texts that are the same, token by token."""
    near_ties: int
    """Tokens where the model by itself prefers another one by less than rounding explains."""
    wrong_tokens: int
    """Tokens where it prefers another one by more."""
    rss_settled: int
    rss_at_end: int
    provider: str = "cpu"


def measure(
    bundle: Path, streams: int, seconds: float, threads: int | None, compared: int, provider: str = "cpu"
) -> Streams:
    """Keep so many texts going for so long.  Every request has a prompt and a length drawn by chance."""
    rng = random.Random(0)
    finished: list[tuple[list[int], list[int]]] = []
    memory: list[int] = []
    with Engine(bundle, threads, provider, max_streams=streams, cache_bytes=0) as engine:
        going: list[tuple[list[int], Stream]] = []
        started = time.perf_counter()
        requests = tokens = 0
        while (passed := time.perf_counter() - started) < seconds:
            while len(going) < 2 * streams:  # some always wait
                going.append(ask(engine, rng))
            ids, stream = going.pop(0)
            found = stream.result()
            requests += 1
            tokens += found.completion_tokens
            if len(finished) < compared:
                finished.append((ids, list(found.token_ids)))
            if passed > SETTLED * seconds:
                memory.append(current_rss_bytes())
        spent = time.perf_counter() - started
    decoder = Decoder(bundle, threads, provider)
    alone = speed_alone(decoder, finished)
    tie = NEAR_TIE * error_of(decoder.bundle)
    leads = [leads_of(decoder.session, ids, written) for ids, written in finished]
    return Streams(
        streams=streams,
        seconds=round(spent, 1),
        requests=requests,
        tokens=tokens,
        tokens_per_s=round(tokens / spent, 1),
        alone_tokens_per_s=round(alone, 1),
        compared=len(finished),
        equal_texts=sum(bool(np.all(found == 0)) for found in leads),
        near_ties=sum(int(np.sum((found > 0) & (found <= tie))) for found in leads),
        wrong_tokens=sum(int(np.sum(found > tie)) for found in leads),
        rss_settled=memory[0],
        rss_at_end=memory[-1],
        provider=provider,
    )


def error_of(bundle: Bundle) -> float:
    """How far logits of the bundle were from torch when it was exported, relative to the largest."""
    found = bundle.manifest.parity.get(OUR_TARGET, {}).get("max_relative_error")
    return LOGITS_FLOAT32 if found is None else float(found)


def leads_of(session: StepSession, ids: list[int], written: list[int]) -> np.ndarray:
    """By how much the best token is above the one that was written, relative to the largest logit.  [T]."""
    state = session.new_state()
    logits = read_in_chunks(session, ids, state)
    found = []
    for token in written:
        found.append((logits.max() - logits[0, token]) / np.abs(logits).max())
        logits = session.step_token(token, state)
    return np.array(found)


def ask(engine: Engine, rng: random.Random) -> tuple[list[int], Stream]:
    """A request with a prompt and a length by chance."""
    ids = [rng.randrange(engine.session.vocab_size) for _ in range(rng.randint(1, LONGEST_PROMPT))]
    length = rng.randint(1, LONGEST_TEXT)
    return ids, engine.submit(ids, temperature=0.0, max_new_tokens=length, ignore_eos=True)


def speed_alone(decoder: Decoder, finished: list[tuple[list[int], list[int]]]) -> float:
    """Tokens a second of texts one after the other.  finished: their prompts, and what was written."""
    decoder.generate([1], temperature=0.0, max_new_tokens=8, ignore_eos=True)  # warm
    started = time.perf_counter()
    tokens = 0
    for ids, written in finished:
        found = decoder.generate(ids, temperature=0.0, max_new_tokens=len(written), ignore_eos=True)
        tokens += found.completion_tokens
    return tokens / (time.perf_counter() - started)
