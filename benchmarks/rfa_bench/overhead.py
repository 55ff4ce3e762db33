"""Two costs that ought to be nothing: of the exported graph over a hand-written one, of the loop over a bare call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from rfa_bench import handwritten
from rfa_models.config import ModelConfig
from rfa_runtime.bundle import read_bundle
from rfa_runtime.decoder import Decoder

Step = Callable[[], None]
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
    """What the decoder adds to a token: inputs, sampling, stopping, detokenising, streaming."""


def measure(config: ModelConfig, bundle: Path, folder: Path, threads: int, rounds: int, burst: int) -> Overhead:
    """Measure a bundle of this shape against the hand-written graph, and the decoder against its own session."""
    file = folder / "handwritten.onnx"
    if not file.exists():
        handwritten.write_step_graph(config, file)
    graph = read_bundle(bundle).path / "model.onnx"
    exported, written = bare_step(graph, config, threads), bare_step(file, config, threads)
    pairs = [(burst_us(exported, burst), burst_us(written, burst)) for _ in range(rounds + 1)][1:]
    return Overhead(
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
        loop_us(bundle, threads, rounds * burst),
    )


def bare_step(graph: Path, config: ModelConfig, threads: int) -> Step:
    """One step through io_binding, every buffer bound once: the least that a step can cost."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
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
    """Median microseconds that a token spends outside ONNX Runtime: its whole time, less that of its own call.

    Both are of the same token, so that a machine whose speed drifts does not blur the difference.
    """
    decoder = Decoder(bundle, threads=threads)
    stopwatch = Stopwatch(decoder.session._run)
    decoder.session._run = stopwatch
    pieces = iter(decoder.stream("The", max_new_tokens=tokens + WARM + 1, ignore_eos=True))
    outside = []
    for _ in range(tokens + WARM):
        started, inside = time.perf_counter(), stopwatch.seconds
        next(pieces)
        outside.append(time.perf_counter() - started - (stopwatch.seconds - inside))
    return statistics.median(outside[WARM:]) * 1e6


class Stopwatch:
    """Adds up the time that a call takes."""

    def __init__(self, call: Callable[..., None]) -> None:
        self.call, self.seconds = call, 0.0

    def __call__(self, *arguments: object) -> None:
        """Make the call."""
        started = time.perf_counter()
        self.call(*arguments)
        self.seconds += time.perf_counter() - started
