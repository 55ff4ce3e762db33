"""How the formats of pretrained models look from outside.  Standard library only: asked before torch is loaded."""

from __future__ import annotations

from pathlib import Path

GGUF = ".gguf"
LLAMA2C = ".bin"
CONFIG = "config.json"
"""In a folder of Hugging Face's."""


def is_softmax_model(path: Path) -> bool:
    """Whether a path looks like a pretrained softmax model, not like a checkpoint of the authors' release."""
    return path.is_dir() or path.suffix in (GGUF, LLAMA2C)
