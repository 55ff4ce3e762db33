"""A language model whose graph is known, for tests of what comes after tracing: tracing is what costs time."""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx_ir as ir
from torch import nn

from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import Graphs
from rfa_runtime.bundle.interface import SCORE


@dataclass(frozen=True)
class AlreadyTraced(LanguageExport):
    """Every stage but the first is that of any language model."""

    graph: ir.Model = field(kw_only=True)

    def trace(self) -> Graphs:
        return {SCORE: self.graph}


def traced_once(module: nn.Module, segment_length: int) -> AlreadyTraced:
    """Trace a module."""
    graphs = LanguageExport(module, segment_length).trace()
    return AlreadyTraced(module, segment_length, graph=graphs[SCORE])
