"""Two costs that ought to be nothing: of the exported graph over a hand-written one, of the loop over a bare call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort

from rfa_bench.subjects import handwritten
from rfa_export.tasks.step_graph import STEP_OUTPUTS
from rfa_models.attention.config import ModelConfig
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.session.ort import open_session
from rfa_runtime.tasks.language import Decoder

Step = Callable[[], object]
WARM = 10
"""Tokens before the loop counts: the first call builds the binding."""


@dataclass(frozen=True)
class Overhead:
    """All in microseconds; ratios from bursts taken in turns."""

    exported_us: float
    """One step of the exported graph, `run_with_iobinding` alone."""
    handwritten_us: float
    graph_ratio: float
    """Median over rounds of exported / handwritten."""
    loop_us: float
    """What the decoder adds to a token over `run_with_iobinding`: inputs, sampling, stopping, text, streaming."""
    token_us: float
    """A token of the decoder, whole."""
    session_run_us: float
    """A step by `session.run` with arrays in and out, as ONNX Runtime's documentation shows it; nothing is sampled."""


def measure(config: ModelConfig, bundle: Path, folder: Path, threads: int, rounds: int, burst: int) -> Overhead:
    """Measure a bundle of this shape against the hand-written graph, and the decoder against its own session."""
    file = folder / "handwritten.onnx"
    if not file.exists():
        handwritten.write_step_graph(config, file)
    graph = read_bundle(bundle).path / "model.onnx"
    graphs = in_turns(bare_step(graph, config, threads), bare_step(file, config, threads), rounds, burst)
    tokens = Decoder(bundle, threads=threads).stream("The", max_new_tokens=None, ignore_eos=True)
    loops = in_turns(lambda: next(tokens), array_step(graph, config, threads), rounds, burst)
    return Overhead(
        statistics.median(a for a, _ in graphs),
        statistics.median(b for _, b in graphs),
        statistics.median(a / b for a, b in graphs),
        loop_us(bundle, threads, rounds * burst),
        statistics.median(a for a, _ in loops),
        statistics.median(b for _, b in loops),
    )


def in_turns(first: Step, second: Step, rounds: int, burst: int) -> list[tuple[float, float]]:
    """Bursts of two steps in turns, each first every other time.  Returns microseconds of both; one round warms up."""
    pairs = []
    for turn in range(rounds + 1):
        if turn % 2:
            second_us, first_us = burst_us(second, burst), burst_us(first, burst)
        else:
            first_us, second_us = burst_us(first, burst), burst_us(second, burst)
        pairs.append((first_us, second_us))
    return pairs[1:]


def array_step(graph: Path, config: ModelConfig, threads: int) -> Step:
    """One step by `session.run`: the present state comes out as new arrays and goes in as the next past."""
    session = open_session(graph, threads, "cpu")
    feeds = {value.name: buffer(value, config).numpy() for value in session.get_inputs()}
    outputs = [value.name for value in session.get_outputs()]

    def step() -> None:
        for name, array in zip(outputs, session.run(outputs, feeds), strict=True):
            feeds[name.replace("present", "past_key_values")] = array
        for name in STEP_OUTPUTS:
            feeds.pop(name)

    return step


def bare_step(graph: Path, config: ModelConfig, threads: int) -> Step:
    """One step through io_binding, every buffer bound once: the least that a step can cost."""
    session = open_session(graph, threads, "cpu")
    binding = session.io_binding()
    buffers = {value.name: buffer(value, config) for value in session.get_inputs()}
    for name, value in buffers.items():
        binding.bind_ortvalue_input(name, value)
    for value in session.get_outputs():
        past = value.name.replace("present", "past_key_values")
        binding.bind_ortvalue_output(value.name, buffers[past] if past in buffers else buffer(value, config))
    return lambda: session.run_with_iobinding(binding)


def buffer(value: ort.NodeArg, config: ModelConfig) -> ort.OrtValue:
    """Zeros of an input's or output's shape at batch 1 and one token."""
    shape = [dim if isinstance(dim, int) else 1 for dim in value.shape]
    return ort.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.int64 if "int64" in value.type else np.float32))


def burst_us(step: Step, count: int) -> float:
    """Median microseconds of some calls."""
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e6


def loop_us(bundle: Path, threads: int, tokens: int) -> float:
    """Microseconds that the decoder adds to a token, over a loop that does nothing but run the graph.

    Both loops take turns on one session, so both find the caches as a step leaves them, and of both only the time
    outside ONNX Runtime counts, so that a step's own jitter does not drown the difference.
    """
    decoder = Decoder(bundle, threads=threads)
    decoder.session._run = run = Stopwatch(decoder.session._run)
    pieces = iter(decoder.stream("The", max_new_tokens=None, ignore_eos=True))
    state = decoder.session.new_state()
    decoder.session.step_token(0, state)
    assert state.binding is not None
    bare = partial(run, state.binding.io)
    pairs = [(outside_us(partial(next, pieces), run), outside_us(bare, run)) for _ in range(tokens + WARM)][WARM:]
    return statistics.median(a for a, _ in pairs) - statistics.median(b for _, b in pairs)


class Stopwatch:
    """Adds up the time that a call takes."""

    def __init__(self, call: Callable[..., None]) -> None:
        self.call, self.seconds = call, 0.0

    def __call__(self, *arguments: object) -> None:
        """Make the call."""
        started = time.perf_counter()
        self.call(*arguments)
        self.seconds += time.perf_counter() - started


def outside_us(act: Callable[[], object], run: Stopwatch) -> float:
    """Microseconds of an act that the stopwatch did not see."""
    started, inside = time.perf_counter(), run.seconds
    act()
    return (time.perf_counter() - started - (run.seconds - inside)) * 1e6
