"""torch itself, with files that need no code of ours: TorchScript, and programs of torch.export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.export.pt2_archive._package import load_pt2

from rfa_export.runtimes.runtime import Arrays, Run, Runtime

METHODS = {"model": "forward", "prefill": "prefill", "encoder": "encode"}
"""Of the TorchScript module, by the graph's role."""


class TorchJit(Runtime):
    """As `Runtime`: torch.jit.load."""

    name, steps = "torch.jit", 256

    def version(self) -> str | None:
        """As Runtime.version."""
        return str(torch.__version__)

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """As Runtime.load."""
        return with_names(getattr(torch.jit.load(file), METHODS[role]), outputs)


class TorchExport(Runtime):
    """As `Runtime`: torch.export's programs beside the TorchScript file."""

    name, steps = "torch.export", 64

    def version(self) -> str | None:
        """As Runtime.version."""
        return str(torch.__version__)

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """As Runtime.load."""
        programs = load_pt2(file.with_suffix(".pt2"))
        return with_names(programs.exported_programs[role].module(), outputs)


def with_names(function: Callable[..., Any], outputs: tuple[str, ...]) -> Run:
    """A function of tensors in order as one of arrays by name."""

    def run(given: Arrays) -> Arrays:
        with torch.no_grad():
            found = function(*map(torch.from_numpy, given.values()))
        tensors = (found,) if isinstance(found, torch.Tensor) else found
        return {name: tensor.numpy() for name, tensor in zip(outputs, tensors, strict=True)}

    return run
