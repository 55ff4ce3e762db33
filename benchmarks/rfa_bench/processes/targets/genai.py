"""A probe that decodes with onnxruntime-genai."""

from __future__ import annotations

import numpy as np

from rfa_bench.processes.targets.probe import Step, measure
from rfa_export.runtimes.serve_genai import start_text
from rfa_runtime.bundle.bundle import Bundle


def load(bundle: Bundle, target: str, threads: int, provider: str) -> Step:
    """A step of one text, which the library keeps; the bundle's folder is loaded as it is."""
    text = start_text(bundle.path, threads)

    def step(token: int) -> None:
        text.append_tokens(np.array([token], np.int32))
        text.get_logits()

    return step


if __name__ == "__main__":
    measure("onnxruntime-genai", load)
