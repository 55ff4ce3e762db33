"""A process with one text in onnxruntime-genai."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime_genai

from rfa_export.graph.names import INPUT_IDS, LOGITS
from rfa_export.runtimes.runtime import Arrays, Run
from rfa_export.runtimes.serve import serve

LONGEST = 1 << 14
"""Tokens that the text may have."""


def load(file: Path) -> Run:
    """Load the folder of a graph by its genai_config.json."""
    options = onnxruntime_genai.GeneratorParams(model := onnxruntime_genai.Model(str(file.parent)))
    options.set_search_options(max_length=LONGEST, do_sample=False)
    generator = onnxruntime_genai.Generator(model, options)

    def run(given: Arrays) -> Arrays:
        generator.append_tokens(given[INPUT_IDS][0].astype(np.int32))
        return {LOGITS: generator.get_logits()}

    return run


if __name__ == "__main__":
    serve(load)
