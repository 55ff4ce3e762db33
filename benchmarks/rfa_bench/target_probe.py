"""A process of its own that decodes with one target in its runtime, and prints load time, ms per token and memory.

Nothing here imports torch but the target that needs it: memory is the runtime's own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module

import numpy as np

from rfa_runtime.bundle import Bundle, read_bundle
from rfa_runtime.memory import peak_rss_bytes
from rfa_runtime.session import StepSession

BURST, WARM_UP = 8, 4
Step = Callable[[int], object]
"""Reads one token."""


def main() -> None:
    """Arguments: bundle, target, threads, bursts."""
    bundle, target = read_bundle(sys.argv[1]), sys.argv[2]
    threads, bursts = map(int, sys.argv[3:5])
    started = time.perf_counter()
    runtime, step = LOADERS[target](bundle, threads)
    loaded = time.perf_counter() - started
    for token in range(WARM_UP):
        step(token)
    times = [burst(step) for _ in range(bursts)]
    found = {"runtime": runtime, "load_ms": loaded * 1e3, "ms_per_token": statistics.median(times)}
    print(json.dumps(found | {"peak_rss_bytes": peak_rss_bytes()}))


def burst(step: Step) -> float:
    """Milliseconds per token of a few steps."""
    started = time.perf_counter()
    for token in range(BURST):
        step(token)
    return (time.perf_counter() - started) / BURST * 1e3


def with_onnx_runtime(graph: str) -> Callable[[Bundle, int], tuple[str, Step]]:
    """Our own runtime, which binds a state's past and present to one buffer, on a graph of the bundle."""

    def load(bundle: Bundle, threads: int) -> tuple[str, Step]:
        session = StepSession(bundle, threads, graph=graph)
        state = session.new_state()
        return "onnxruntime", lambda token: session.step_token(token, state)

    return load


def with_openvino(bundle: Bundle, threads: int) -> tuple[str, Step]:
    """OpenVINO, or ONNX Runtime where that is not installed."""
    try:
        openvino = import_module("openvino")
    except ImportError:
        return with_onnx_runtime("model.plain")(bundle, threads)
    core, spec = openvino.Core(), bundle.graph("model.plain")
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(core.read_model(bundle.path / spec.file), "CPU", options).create_infer_request()
    given = inputs_of(bundle, spec.inputs)
    states = bundle.manifest.state

    def step(token: int) -> None:
        given["input_ids"][0, 0] = token
        found = request.infer(given, share_inputs=True)
        given.update({state.past: found[state.present] for state in states})

    return "openvino", step


def with_genai(bundle: Bundle, threads: int) -> tuple[str, Step]:
    """onnxruntime-genai, with as many threads as it takes by itself."""
    og = import_module("onnxruntime_genai")
    config = og.Config(str(bundle.path))
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    model = og.Model(config)
    options = og.GeneratorParams(model)
    options.set_search_options(max_length=1 << 14)
    generator = og.Generator(model, options)

    def step(token: int) -> None:
        generator.append_tokens(np.array([token], np.int32))
        generator.get_logits()

    return "onnxruntime-genai", step


def with_torchscript(bundle: Bundle, threads: int) -> tuple[str, Step]:
    """torch.jit."""
    torch = import_module("torch")
    torch.set_num_threads(threads)
    module, spec = torch.jit.load(bundle.path / bundle.graph("model.torchscript").file), bundle.manifest.state
    inputs = [torch.zeros(1, 1, dtype=torch.int64) for _ in bundle.graph("model.torchscript").inputs]
    states = [torch.zeros(state.sizes(1)) for state in spec]

    def step(token: int) -> None:
        inputs[0][0, 0] = token
        with torch.inference_mode():
            _, *states[:] = module(*inputs, *states)

    return "torch.jit", step


def inputs_of(bundle: Bundle, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Zeros for every input of one token, states included."""
    states = {state.past: np.zeros(state.sizes(1), state.dtype) for state in bundle.manifest.state}
    return {name: np.zeros((1, 1), np.int64) for name in names} | states


LOADERS: dict[str, Callable[[Bundle, int], tuple[str, Step]]] = {
    "ort": with_onnx_runtime("model"),
    "onnx27": with_onnx_runtime("model.onnx27"),
    "plain": with_openvino,
    "genai": with_genai,
    "torchscript": with_torchscript,
}


if __name__ == "__main__":
    main()
