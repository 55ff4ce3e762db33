"""What every decoder does: it loads a file, then answers questions, a line each.

    open B T ROOM    begin B texts that have read T tokens each, with room for more    -> their number, from 0 on
    step N COUNT     let texts N take so many steps                                    -> seconds of each step
    read T           let a new text read so many tokens                                -> seconds
    memory           the most that was held                                            -> bytes, by name

The other programs of this folder, one for each runtime, say how a file is loaded, and what a text does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from rfa_bench.processes.device_memory import growth, used_bytes
from rfa_runtime.memory import peak_rss_bytes

SETTLE_STEPS = 32
"""Steps before each burst that are not timed: the other processes leave their data in the caches, and their threads go
on spinning for a while."""
SETTLE_SECONDS = 0.5
"""After which a burst begins in any case."""
SHORT = 16
"""Tokens of a first text, for libraries load and allocate on first use."""


class Texts(Protocol):
    """Some texts side by side, all of one length."""

    def read(self, tokens: int) -> None:
        """Read so many tokens more of each."""

    def step(self) -> None:
        """Read one token more of each, and compute what comes next."""


NewTexts = Callable[[int, int], Texts]
"""From how many texts, and how many tokens each may have, to these texts, still empty."""
Load = Callable[..., NewTexts]
"""From a file, threads, a provider, and options of the runtime, as words."""


class Answers:
    """A loaded decoder that answers questions."""

    def __init__(self, new_texts: NewTexts, provider: str, held_before: int | None) -> None:
        self._new_texts = new_texts
        self._provider = provider
        self._held_before = held_before
        self._open: list[Texts] = []
        self._used = False

    def open(self, batch: int, tokens: int, room: int) -> int:
        """Begin some texts."""
        texts = self._new_texts(batch, tokens + room)
        if tokens:
            texts.read(tokens)
        self._open.append(texts)
        return len(self._open) - 1

    def step(self, number: int, count: int) -> list[float]:
        """Take some steps; those before are not timed."""
        texts = self._open[number]
        settled = time.perf_counter() + SETTLE_SECONDS
        for _ in range(SETTLE_STEPS):
            texts.step()
            if time.perf_counter() > settled:
                break
        return [timed(texts.step) for _ in range(count)]

    def read(self, tokens: int) -> float:
        """Read a new text."""
        if not self._used:
            self._used = True
            self._new_texts(1, SHORT).read(SHORT)
        texts = self._new_texts(1, tokens)
        return timed(lambda: texts.read(tokens))

    def memory(self) -> dict[str, int | None]:
        """What this process held at most; on a GPU, what the device holds more now."""
        return {
            "peak_rss_bytes": peak_rss_bytes(),
            "device_bytes": growth(self._held_before, self._provider),
        }


def timed(work: Callable[[], None]) -> float:
    """Seconds that it took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def answer(load: Load) -> None:
    """Answer questions on standard input until it ends.

    Arguments of the process: file, threads, provider, and whatever else the runtime takes.  The first line says how
    many seconds it took to load.
    """
    file = Path(sys.argv[1])
    threads = int(sys.argv[2])
    provider = sys.argv[3]
    before = used_bytes(provider)
    started = time.perf_counter()
    new_texts = load(file, threads, provider, *sys.argv[4:])
    say(time.perf_counter() - started)
    answers = Answers(new_texts, provider, before)
    for line in sys.stdin:
        question, *numbers = line.split()
        say(getattr(answers, question)(*map(int, numbers)))


def say(value: Any) -> None:
    """Print a line of JSON."""
    print(json.dumps(value), flush=True)
