"""A process with one text in onnxruntime-genai."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime_genai

from rfa_export.graph.names import INPUT_IDS, LOGITS
from rfa_export.runtimes.process import serve
from rfa_export.runtimes.runtime import Arrays, Run

LONGEST = 1 << 14
"""Tokens that the text may have."""


def load(file: Path) -> Run:
    """Load the folder of a graph by its genai_config.json."""
    generator = new_generator(onnxruntime_genai.Model(str(file.parent)))

    def run(given: Arrays) -> Arrays:
        generator.append_tokens(given[INPUT_IDS][0].astype(np.int32))
        return {LOGITS: generator.get_logits()}

    return run


def new_generator(model: onnxruntime_genai.Model) -> onnxruntime_genai.Generator:
    """A text that begins empty and is continued with the most likely tokens."""
    options = onnxruntime_genai.GeneratorParams(model)
    options.set_search_options(max_length=LONGEST, do_sample=False)
    return onnxruntime_genai.Generator(model, options)


if __name__ == "__main__":
    serve(load)
