"""How the formats of pretrained models look from outside.  No torch here: asked before it is loaded."""

from __future__ import annotations

from pathlib import Path

from rfa_models.checkpoints.archive import is_own

GGUF = ".gguf"
LLAMA2C = ".bin"
CONFIG = "config.json"
"""In a folder of Hugging Face's."""


def is_softmax_model(path: Path) -> bool:
    """Whether a path looks like a pretrained softmax model, not like a checkpoint of the authors' release."""
    return path.is_dir() or path.suffix in (GGUF, LLAMA2C) or is_own(path)
