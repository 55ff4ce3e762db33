"""Servers in processes of their own, each with its model loaded: ours, and llama.cpp's."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.processes.ask import ProbeError, last_words

HOST = "127.0.0.1"
START_SECONDS = 120
"""A server that does not answer after so long never will."""


@dataclass(frozen=True)
class Server:
    """One that answers."""

    name: str
    port: int
    pid: int


@contextmanager
def rfa_serve(bundle: Path, clients: int, threads: int, provider: str) -> Iterator[Server]:
    """Our server, with a place for every client and without a cache of prompts.

    Raises ProbeError with its last words where it does not start.
    """
    options = ["--threads", threads, "--provider", provider, "--max-streams", clients, "--cache-budget", 0]
    command = [sys.executable, "-m", "rfa_runtime.commands.serve", bundle, *options]
    with serving("rfa-serve", command) as server:
        yield server


@contextmanager
def llama_server(program: str, model: Path, clients: int, threads: int, longest: int) -> Iterator[Server]:
    """llama.cpp's server, with a slot for every client and flash attention.

    program: its executable.  model: a GGUF file.  longest: tokens that a prompt and its text have together.  Raises
    ProbeError with its last words where it does not start.
    """
    options = ["--model", model, "--threads", threads, "--parallel", clients, "--ctx-size", clients * longest]
    command = [program, *options, "--flash-attn", "on", "--no-webui", "--cache-ram", 0]
    with serving("llama-server", command) as server:
        yield server


@contextmanager
def serving(name: str, command: Sequence[object]) -> Iterator[Server]:
    """Start a server, wait until it answers, and end it at last.  Raises ProbeError where it does not start."""
    port = free_port()
    full = [*command, "--host", HOST, "--port", port]
    with tempfile.TemporaryFile() as words:
        try:
            process = subprocess.Popen(list(map(str, full)), stdout=words, stderr=words)
        except OSError as error:
            raise ProbeError(f"{name} does not start: {error}") from error
        try:
            if not answers(port, process):
                raise ProbeError(f"{name} does not answer: {last_words(words)}")
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            process.wait()


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a server answers.  Returns whether it does."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health"):
                return True
        except OSError:  # nobody listens yet, or the model is being loaded
            time.sleep(0.1)
    return False


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server((HOST, 0)) as place:
        return int(place.getsockname()[1])
