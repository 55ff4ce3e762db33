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
    text = new_text(load_model(file.parent))

    def run(given: Arrays) -> Arrays:
        text.append_tokens(given[INPUT_IDS][0].astype(np.int32))
        return {LOGITS: text.get_logits()}

    return run


def load_model(folder: Path, threads: int | None = None) -> Any:
    """Load a folder by its genai_config.json.  threads: of a step; None leaves them to the library."""
    config = onnxruntime_genai.Config(str(folder))
    if threads is not None:
        config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    return onnxruntime_genai.Model(config)


def new_text(model: Any, longest: int = LONGEST) -> Any:
    """The generator of one text, still empty.  longest: tokens that it may have."""
    options = onnxruntime_genai.GeneratorParams(model)
    options.set_search_options(max_length=longest, do_sample=False)
    return onnxruntime_genai.Generator(model, options)


if __name__ == "__main__":
    serve(load)
