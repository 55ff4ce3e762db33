"""A probe that decodes with torch.jit."""

from __future__ import annotations

import torch

from rfa_bench.processes.targets.probe import Step, measure
from rfa_runtime.bundle.bundle import Bundle


def load(bundle: Bundle, target: str, threads: int, provider: str) -> Step:
    """The module's method of one token; tokens and positions go in first, then the states, which come out last."""
    torch.set_num_threads(threads)
    graph = bundle.graph("model.torchscript")
    module = torch.jit.load(bundle.path / graph.file)
    inputs = [torch.zeros(1, 1, dtype=torch.int64) for _ in graph.inputs]
    states = [torch.zeros(state.sizes(1)) for state in bundle.manifest.state]

    def step(token: int) -> None:
        inputs[0][0, 0] = token
        with torch.inference_mode():
            _, *states[:] = module(*inputs, *states)

    return step


if __name__ == "__main__":
    measure("torch.jit", load)
