"""Servers under load, beside our engine without HTTP: how fast, how right, in how much memory.

Rounds take turns: the same clients ask each server, in a process of its own, then an engine in this one.  Figures have
the names that vLLM's `bench serve` gives them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from rfa_bench.processes.servers import HOST, Server, llama_server, rfa_serve
from rfa_bench.subjects.clients import Asked, Clients, Workload, of_engine
from rfa_bench.subjects.gguf_file import write_gguf
from rfa_bench.subjects.http_client import of_server
from rfa_bench.subjects.shapes import SIZES
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.engine.engine import Engine
from rfa_runtime.memory import status_bytes
from rfa_runtime.tasks.language import Decoder

try:  # clients that ask less of the processor leave the server more
    from uvloop import Loop as EventLoop
except ImportError:  # it is not made for Windows
    from asyncio import SelectorEventLoop as EventLoop  # type: ignore[assignment]

ENGINE = "engine"
"""Our engine without HTTP, in tables."""
SETTLED = 0.2
"""Share of a part of a round after which tokens count."""


@dataclass(frozen=True)
class LoadPlan:
    """What is asked, and how often."""

    clients: int
    """That ask at once."""
    seconds: float
    """In all: each system has its part of each round."""
    threads: int
    compared: int
    """Texts of ours that one stream alone writes again."""
    longest_prompt: int
    longest_text: int
    rounds: int = 3
    provider: str = "cpu"
    goodput_ttft_ms: float = 1000.0
    """A text is good whose first token comes within this time,"""
    goodput_tpot_ms: float = 100.0
    """and whose others come within this one, on average."""


@dataclass(frozen=True)
class LoadRow:
    """What one system showed; the names are the contract of `rfa-bench --json`."""

    system: str
    duration: float
    """Seconds of its parts, together."""
    completed: int
    """Texts that came to their end."""
    failed: int
    """That did not."""
    request_throughput: float
    """Texts a second."""
    request_goodput: float
    """Of these, texts that came in good time."""
    output_throughput: float
    """Tokens written a second, median of rounds, once every place has been used."""
    ratio: float
    """To the engine, median of rounds, in each of which the two stand side by side."""
    median_ttft_ms: float
    p99_ttft_ms: float
    """To the first token."""
    median_tpot_ms: float
    p99_tpot_ms: float
    """From token to token, mean of a text."""
    median_itl_ms: float
    p99_itl_ms: float
    """From one token to the next."""
    median_e2el_ms: float
    p99_e2el_ms: float
    """To the last token."""
    rss_settled: int
    """Resident memory after the first round, in bytes; 0 where the system does not tell."""
    rss_at_end: int


@dataclass(frozen=True)
class Load:
    """What a load showed."""

    rows: list[LoadRow]
    compared: int
    """Texts of rfa-serve that were written again by one stream alone."""
    other_texts: int
    """Of these, texts that are not the same."""


@dataclass
class System:
    """Someone who is asked, and what came of it."""

    name: str
    asking: Clients
    server: Server | None
    speeds: list[float]
    """Tokens a second, in each round."""
    memory: list[int]
    """Resident bytes after each round."""

    def take_turn(self, workload: Workload, clients: int, seconds: float) -> None:
        """Be asked for so long."""
        self.speeds.append(speed(self.asking, workload, clients, seconds))
        pid = "self" if self.server is None else self.server.pid
        self.memory.append(status_bytes("VmRSS", pid) or 0)


def random_gguf(size: str, folder: Path, weights: ExportConfig) -> Path:
    """A model for llama.cpp of the same shape.  Raises TargetError where the package is missing that writes it."""
    return write_gguf(SIZES[size], weights.weights, folder / f"{size}-{weights.weights.name}.gguf")


def measure(bundle: Bundle, plan: LoadPlan, llama: tuple[str, Path] | None, progress: Callable[[str], None]) -> Load:
    """Keep so many clients asking for so long.

    llama: llama.cpp's server and its model, to be asked too.  Raises ProbeError for a server that does not start.
    """
    with systems(bundle, plan, llama) as found:
        part = plan.seconds / plan.rounds / len(found)
        for turn in range(1, plan.rounds + 1):
            for system in found:
                progress(f"round {turn} of {plan.rounds}: {system.name}, {plan.clients} clients for {part:.0f} s")
                system.take_turn(workload(bundle, plan, turn), plan.clients, part)
        engine = found[-1].speeds
        rows = [row_of(system, engine, plan, part * plan.rounds) for system in found]
        samples = found[0].asking.done[: plan.compared]
    progress(f"{len(samples)} texts again")
    return Load(rows, len(samples), others(bundle, plan, samples))


@contextmanager
def systems(bundle: Bundle, plan: LoadPlan, llama: tuple[str, Path] | None) -> Iterator[list[System]]:
    """All that are asked: our server first, our engine last."""
    with ExitStack() as held:
        servers = [held.enter_context(rfa_serve(bundle.path, plan.clients, plan.threads, plan.provider))]
        if llama is not None:
            program, model = llama
            longest = plan.longest_prompt + plan.longest_text
            servers.append(held.enter_context(llama_server(program, model, plan.clients, plan.threads, longest)))
        engine = held.enter_context(
            Engine(bundle, plan.threads, plan.provider, max_streams=plan.clients, cache_bytes=0)
        )
        found = []
        for server in servers:
            found.append(System(server.name, Clients(of_server(HOST, server.port)), server, [], []))
        found.append(System(ENGINE, Clients(of_engine(engine)), None, [], []))
        yield found


def workload(bundle: Bundle, plan: LoadPlan, turn: int) -> Workload:
    """What is asked in one round: of each system the same, as a round is too short for chance to even out."""
    return Workload(bundle.manifest.vocab_size, plan.longest_prompt, plan.longest_text, seed=turn)


def speed(asking: Clients, workload: Workload, clients: int, seconds: float) -> float:
    """Tokens a second once every place has been used."""
    settled = time.perf_counter() + SETTLED * seconds
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(asking.ask(workload, clients, seconds))
    return asking.tokens_since(settled) / (time.perf_counter() - settled)


def row_of(system: System, engine: Sequence[float], plan: LoadPlan, duration: float) -> LoadRow:
    """The figures of one system.  engine: tokens a second of ours without HTTP, in each round."""
    done = system.asking.done
    ttft = [text.ttft for text in done]
    tpot = [text.tpot for text in done if text.tpot is not None]
    itl = [seconds for text in done for seconds in text.itl]
    e2el = [text.e2el for text in done]
    ratios = [one / other for one, other in zip(system.speeds, engine, strict=True)]
    return LoadRow(
        system=system.name,
        duration=round(duration, 1),
        completed=len(done),
        failed=len(system.asking.lost),
        request_throughput=round(len(done) / duration, 2),
        request_goodput=round(sum(is_good(text, plan) for text in done) / duration, 2),
        output_throughput=round(median(system.speeds), 1),
        ratio=round(median(ratios), 3),
        median_ttft_ms=milliseconds(ttft, 50),
        p99_ttft_ms=milliseconds(ttft, 99),
        median_tpot_ms=milliseconds(tpot, 50),
        p99_tpot_ms=milliseconds(tpot, 99),
        median_itl_ms=milliseconds(itl, 50),
        p99_itl_ms=milliseconds(itl, 99),
        median_e2el_ms=milliseconds(e2el, 50),
        p99_e2el_ms=milliseconds(e2el, 99),
        rss_settled=system.memory[0],
        rss_at_end=system.memory[-1],
    )


def is_good(text: Asked, plan: LoadPlan) -> bool:
    """Whether a text came in good time."""
    if text.ttft * 1e3 > plan.goodput_ttft_ms:
        return False
    return text.tpot is None or text.tpot * 1e3 <= plan.goodput_tpot_ms


def milliseconds(found: Sequence[float], percent: int) -> float:
    """A percentile of times in seconds."""
    return round(1e3 * float(np.percentile(found, percent)), 2) if found else 0.0


def others(bundle: Bundle, plan: LoadPlan, samples: Sequence[Asked]) -> int:
    """How many texts one stream alone writes otherwise."""
    decoder = Decoder(bundle, plan.threads, plan.provider)
    found = 0
    for one in samples:
        wanted = decoder.generate(one.ids, temperature=0.0, max_new_tokens=one.length, ignore_eos=True)
        found += "".join(one.pieces) != wanted.text
    return found
