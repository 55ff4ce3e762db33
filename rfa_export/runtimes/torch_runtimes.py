"""torch itself, with files that need no code of ours: TorchScript, and programs of torch.export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.export.pt2_archive._package import load_pt2

from rfa_export.runtimes.runtime import Arrays, Run, Runtime
from rfa_runtime.bundle.interface import ENCODER, MODEL, PREFILL

METHODS = {MODEL: "forward", PREFILL: "prefill", ENCODER: "encode"}
"""Of the TorchScript module, by the graph's role."""


class TorchJit(Runtime):
    """torch.jit.load."""

    name = "torch.jit"
    steps = 256

    def version(self) -> str | None:
        """Of torch."""
        return str(torch.__version__)

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Load the method of a role."""
        return with_names(getattr(torch.jit.load(file), METHODS[role]), outputs)


class TorchExport(Runtime):
    """torch.export's programs, which lie beside the TorchScript file."""

    name = "torch.export"
    steps = 64

    def version(self) -> str | None:
        """Of torch."""
        return str(torch.__version__)

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Load the program of a role."""
        programs = load_pt2(file.with_suffix(".pt2"))
        return with_names(programs.exported_programs[role].module(), outputs)


def with_names(function: Callable[..., Any], outputs: tuple[str, ...]) -> Run:
    """Call a function of tensors in order with arrays by name.  outputs: the names of its results."""

    def run(given: Arrays) -> Arrays:
        with torch.no_grad():
            found = function(*map(torch.from_numpy, given.values()))
        tensors = (found,) if isinstance(found, torch.Tensor) else found
        return {name: tensor.numpy() for name, tensor in zip(outputs, tensors, strict=True)}

    return run
