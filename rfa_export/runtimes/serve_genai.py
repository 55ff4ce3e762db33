"""A process with one text in onnxruntime-genai."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime_genai

from rfa_export.runtimes.process import serve
from rfa_export.runtimes.runtime import Arrays, Run
from rfa_runtime.bundle.interface import INPUT_IDS, LOGITS

LONGEST = 1 << 14
"""Tokens that the text may have."""


def load(file: Path) -> Run:
    """Load the folder of a graph, to be run with the next tokens of one text."""
    text = start_text(file.parent)

    def run(given: Arrays) -> Arrays:
        text.append_tokens(given[INPUT_IDS][0].astype(np.int32))
        return {LOGITS: text.get_logits()}

    return run


def start_text(folder: Path, threads: int | None = None) -> Any:
    """Load a folder by its genai_config.json.  Returns the generator of one text, still empty.

    threads: of a step; None leaves them to the library.
    """
    config = onnxruntime_genai.Config(str(folder))
    if threads is not None:
        config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    model = onnxruntime_genai.Model(config)
    options = onnxruntime_genai.GeneratorParams(model)
    options.set_search_options(max_length=LONGEST, do_sample=False)
    return onnxruntime_genai.Generator(model, options)


if __name__ == "__main__":
    serve(load)
