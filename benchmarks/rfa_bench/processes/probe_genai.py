"""A process that decodes with onnxruntime-genai."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime_genai as og

from rfa_bench.processes.target_probe import Step, measure
from rfa_runtime.bundle.bundle import Bundle

LONGEST = 1 << 14


def load(bundle: Bundle, target: str, threads: int) -> Step:
    """The bundle's folder as it is."""
    config = og.Config(str(bundle.path))
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    model = og.Model(config)
    options = og.GeneratorParams(model)
    options.set_search_options(max_length=LONGEST)
    generator = og.Generator(model, options)

    def step(token: int) -> None:
        generator.append_tokens(np.array([token], np.int32))
        generator.get_logits()

    return step


if __name__ == "__main__":
    measure("onnxruntime-genai", load)
