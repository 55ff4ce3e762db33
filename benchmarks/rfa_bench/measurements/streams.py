"""Many texts through the engine: how fast together, whether each is the one by itself, whether memory stays.

A text is read again by itself, token by token.  A token of it is wrong where the model by itself prefers another one by
more than rounding explains.  Quantized products round a batch otherwise than a row: where two tokens are nearly as
likely as each other, either may come, and is a near tie.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np

from rfa_bench.subjects.clients import Workload
from rfa_export.tolerances import LOGITS_FLOAT32, NEAR_TIE
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import OUR_TARGET
from rfa_runtime.decoding.prompt import read_in_chunks
from rfa_runtime.engine.engine import Engine
from rfa_runtime.engine.stream import Stream
from rfa_runtime.memory import current_rss_bytes
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.language import Decoder

SETTLED = 0.2
"""Share of a round after which speed and memory count: by then every place has been used."""
ALONE = 0.25
"""Share of a round in which texts are written one after the other, for comparison."""


@dataclass(frozen=True)
class Streams:
    """What many texts showed."""

    streams: int
    """Texts at once."""
    seconds: float
    """In which they were written together."""
    requests: int
    """That came to their end."""
    longest_prompt: int
    longest_text: int
    """Tokens; both lengths are drawn evenly from 1 on."""
    tokens_per_s: float
    """Together, median of rounds.  Tokens of prompts are not counted; the time in which they are read is."""
    alone_tokens_per_s: float
    """Of such texts one after the other, through the same engine: their prompts take their time, too."""
    ratio: float
    """Median of rounds, in each of which the two stand side by side."""
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
    bundle: Bundle,
    streams: int,
    seconds: float,
    threads: int | None,
    compared: int,
    longest_prompt: int,
    longest_text: int,
    number_of_rounds: int,
    provider: str = "cpu",
) -> Streams:
    """Keep so many texts going for so long.  Every request has a prompt and a length drawn by chance."""
    each = seconds / number_of_rounds
    rounds = []
    with Engine(bundle, threads, provider, max_streams=streams, cache_bytes=0) as engine:
        load = Load(engine, streams, Workload(engine.session.vocab_size, longest_prompt, longest_text))
        for _ in range(number_of_rounds):
            rounds.append(Round.of(load, each))
    finished = load.finished[:compared]
    decoder = Decoder(bundle, threads, provider)
    tie = NEAR_TIE * error_of(bundle)
    leads = [leads_of(decoder.session, ids, written) for ids, written in finished]
    return Streams(
        streams=streams,
        seconds=round(sum(found.seconds for found in rounds), 1),
        requests=len(load.finished),
        longest_prompt=longest_prompt,
        longest_text=longest_text,
        tokens_per_s=round(median(found.together for found in rounds), 1),
        alone_tokens_per_s=round(median(found.alone for found in rounds), 1),
        ratio=round(median(found.together / found.alone for found in rounds), 2),
        compared=len(finished),
        equal_texts=sum(bool(np.all(found == 0)) for found in leads),
        near_ties=sum(int(np.sum((found > 0) & (found <= tie))) for found in leads),
        wrong_tokens=sum(int(np.sum(found > tie)) for found in leads),
        rss_settled=rounds[0].rss_settled,
        rss_at_end=rounds[-1].rss_at_end,
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


@dataclass(frozen=True)
class Round:
    """Texts together, then texts one after the other."""

    seconds: float
    together: float
    """Tokens a second."""
    alone: float
    """Tokens a second."""
    rss_settled: int
    rss_at_end: int

    @classmethod
    def of(cls, load: Load, seconds: float) -> Round:
        """Measure a round of so many seconds."""
        load.go_on(SETTLED * seconds)
        settled = current_rss_bytes()
        started = time.perf_counter()
        before = load.tokens
        load.go_on((1 - SETTLED - ALONE) * seconds)
        tokens = load.tokens - before
        spent = time.perf_counter() - started
        at_end = current_rss_bytes()
        load.stop()
        return cls(spent, tokens / spent, load.speed_alone(ALONE * seconds), settled, at_end)


class Load:
    """Requests without end: as many are written as there are places, and as many wait."""

    def __init__(self, engine: Engine, streams: int, workload: Workload) -> None:
        self.finished: list[tuple[list[int], list[int]]] = []
        """Prompts, and what was written."""
        self._engine = engine
        self._asked = 2 * streams
        self._workload = workload
        self._going = deque[tuple[list[int], Stream]]()

    def go_on(self, seconds: float) -> None:
        """Keep the load up for so long."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            while len(self._going) < self._asked:
                self._going.append(self._ask())
            ids, stream = self._going.popleft()
            self.finished.append((ids, list(stream.result().token_ids)))

    def stop(self) -> None:
        """Let all go that are not finished."""
        for _, stream in self._going:
            stream.cancel()
        for _, stream in self._going:
            stream.result()
        self._going.clear()

    def speed_alone(self, seconds: float) -> float:
        """Tokens a second of texts one after the other, for about so long."""
        started = time.perf_counter()
        tokens = 0
        while (passed := time.perf_counter() - started) < seconds:
            _, stream = self._ask()
            tokens += stream.result().completion_tokens
        return tokens / passed

    @property
    def tokens(self) -> int:
        """Written so far, of texts that go on, too."""
        done = sum(len(written) for _, written in self.finished)
        return done + sum(stream.waiting for _, stream in self._going)

    def _ask(self) -> tuple[list[int], Stream]:
        """A request with a prompt and a length by chance."""
        ids, length = self._workload.draw()
        return ids, self._engine.submit(ids, temperature=0.0, max_new_tokens=length, ignore_eos=True)
