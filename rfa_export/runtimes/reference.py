"""ONNX's own reference evaluator: every operator as the standard defines it, in numpy, slowly."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx.reference import ReferenceEvaluator

from rfa_export.runtimes.runtime import Arrays, Run, Runtime


class Reference(Runtime):
    """The standard itself, which is slow: few steps."""

    name = "onnx reference evaluator"
    steps = 16

    def version(self) -> str | None:
        """Of the package onnx."""
        return str(onnx.__version__)

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Read the graph and its weights."""
        evaluator = ReferenceEvaluator(onnx.load(file))

        def run(given: Arrays) -> Arrays:
            return dict(zip(evaluator.output_names, evaluator.run(None, given), strict=True))

        return run
