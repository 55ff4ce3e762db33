"""`rfa-serve` under load, beside the engine without HTTP: how fast, how right, in how much memory.

Rounds take turns: clients of a server in a process of its own, then the same clients of an engine in this one.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from rfa_bench.subjects.clients import Clients, Done, Workload, of_engine, of_server
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.engine.engine import Engine
from rfa_runtime.memory import status_bytes
from rfa_runtime.tasks.language import Decoder

HOST = "127.0.0.1"
ROUNDS = 3
SETTLED = 0.2
"""Share of a part of a round after which tokens count."""
START_SECONDS = 120
"""A server that does not answer after so long never will."""


@dataclass(frozen=True)
class Serving:
    """What a load showed."""

    clients: int
    seconds: float
    """Of the server's parts, together."""
    requests: int
    """That came to their end."""
    lost: int
    """That did not."""
    longest_prompt: int
    longest_text: int
    tokens_per_s: float
    """Written, median of rounds."""
    engine_tokens_per_s: float
    """Of the engine without HTTP."""
    ratio: float
    """Median of rounds, in each of which the two stand side by side."""
    ttft_ms_p50: float
    ttft_ms_p99: float
    """To the first token."""
    itl_ms_p50: float
    itl_ms_p99: float
    """From one token to the next."""
    compared: int
    """Texts that were written again by one stream alone."""
    other_texts: int
    """Of these, texts that are not the same."""
    rss_settled: int
    """Resident memory of the server after the first round, in bytes; 0 where the system does not tell."""
    rss_at_end: int
    provider: str = "cpu"


def measure(
    bundle: Bundle,
    clients: int,
    seconds: float,
    threads: int,
    compared: int,
    longest_prompt: int,
    longest_text: int,
    provider: str = "cpu",
) -> Serving:
    """Keep so many clients asking for so long."""
    part = seconds / ROUNDS / 2
    memory = []
    speeds = []
    with (
        serving(bundle.path, clients, threads, provider) as (port, process),
        Engine(bundle, threads, provider, max_streams=clients, cache_bytes=0) as engine,
    ):
        workload = Workload(bundle.manifest.vocab_size, longest_prompt, longest_text)
        served = Clients(workload, of_server(HOST, port))
        direct = Clients(workload, of_engine(engine))
        for _ in range(ROUNDS):
            speeds.append((speed(served, clients, part), speed(direct, clients, part)))
            memory.append(status_bytes("VmRSS", process.pid) or 0)
    samples = served.done[:compared]
    return Serving(
        clients=clients,
        seconds=round(part * ROUNDS, 1),
        requests=len(served.done),
        lost=len(served.lost),
        longest_prompt=longest_prompt,
        longest_text=longest_text,
        tokens_per_s=round(median(with_http for with_http, _ in speeds), 1),
        engine_tokens_per_s=round(median(without for _, without in speeds), 1),
        ratio=round(median(with_http / without for with_http, without in speeds), 3),
        ttft_ms_p50=milliseconds(served.first_s, 50),
        ttft_ms_p99=milliseconds(served.first_s, 99),
        itl_ms_p50=milliseconds(served.next_s, 50),
        itl_ms_p99=milliseconds(served.next_s, 99),
        compared=len(samples),
        other_texts=others(bundle, threads, provider, samples),
        rss_settled=memory[0],
        rss_at_end=memory[-1],
        provider=provider,
    )


def speed(asking: Clients, clients: int, seconds: float) -> float:
    """Tokens a second once every place has been used."""
    settled = time.perf_counter() + SETTLED * seconds
    asyncio.run(asking.ask(clients, seconds))
    return asking.tokens_since(settled) / (time.perf_counter() - settled)


def milliseconds(found: Sequence[float], percent: int) -> float:
    """A percentile of times in seconds."""
    return round(1e3 * float(np.percentile(found, percent)), 2) if found else 0.0


def others(bundle: Bundle, threads: int, provider: str, samples: Sequence[Done]) -> int:
    """How many texts one stream alone writes otherwise."""
    decoder = Decoder(bundle, threads, provider)
    found = 0
    for one in samples:
        wanted = decoder.generate(one.ids, temperature=0.0, max_new_tokens=len(one.pieces), ignore_eos=True)
        found += "".join(one.pieces) != wanted.text
    return found


@contextmanager
def serving(bundle: Path, clients: int, threads: int, provider: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server in a process of its own, which has loaded its model.  Gives its port."""
    port = free_port()
    options = ["--port", port, "--threads", threads, "--provider", provider, "--max-streams", clients]
    command = [sys.executable, "-m", "rfa_runtime.commands.serve", bundle, *options, "--cache-budget", 0]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield port, process
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server((HOST, 0)) as place:
        return int(place.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers.  Raises OSError where it ends, or takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health"):
                return
        except OSError:  # nobody listens yet, or the model is being loaded
            time.sleep(0.1)
    raise OSError("rfa-serve does not answer: start it by hand, and see what it says")
