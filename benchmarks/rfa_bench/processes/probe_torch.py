"""A process that decodes with torch.jit."""

from __future__ import annotations

import torch

from rfa_bench.processes.target_probe import Step, measure
from rfa_runtime.bundle.bundle import Bundle


def load(bundle: Bundle, target: str, threads: int) -> Step:
    """The method of one token."""
    torch.set_num_threads(threads)
    module, spec = torch.jit.load(bundle.path / bundle.graph("model.torchscript").file), bundle.manifest.state
    inputs = [torch.zeros(1, 1, dtype=torch.int64) for _ in bundle.graph("model.torchscript").inputs]
    states = [torch.zeros(state.sizes(1)) for state in spec]

    def step(token: int) -> None:
        inputs[0][0, 0] = token
        with torch.inference_mode():
            _, *states[:] = module(*inputs, *states)

    return step


if __name__ == "__main__":
    measure("torch.jit", load)
