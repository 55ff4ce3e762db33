"""onnxruntime-genai, which loads a folder by its genai_config.json and keeps the state to itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rfa_export.graph.names import INPUT_IDS, LOGITS
from rfa_export.runtimes.packages import installed_version
from rfa_export.runtimes.runtime import Arrays, Run

try:
    import onnxruntime_genai
except ImportError:  # it is an extra: `version` says so
    onnxruntime_genai = None

LONGEST = 1 << 14
"""Tokens that a generator of ours may read."""


class GenAi:
    """As `Runtime`."""

    name, steps = "onnxruntime-genai", 256

    def version(self) -> str | None:
        """As Runtime.version."""
        return installed_version("onnxruntime-genai") if onnxruntime_genai is not None else None

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """As Runtime.load, for one text: calls go on from one another, and give no states."""
        generator = new_generator(file.parent)

        def run(given: Arrays) -> Arrays:
            generator.append_tokens(given[INPUT_IDS][0].astype(np.int32))
            return {LOGITS: generator.get_logits()}

        return run


def new_generator(folder: Path, longest: int = LONGEST) -> onnxruntime_genai.Generator:
    """A generator that has read nothing, and picks the most likely tokens."""
    model = onnxruntime_genai.Model(str(folder))
    options = onnxruntime_genai.GeneratorParams(model)
    options.set_search_options(max_length=longest, do_sample=False)
    return onnxruntime_genai.Generator(model, options)
