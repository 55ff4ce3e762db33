"""The architectures that are read, by the `model_type` of config.json."""

from __future__ import annotations

from collections.abc import Mapping

from rfa_models.convert.pretrained.architecture import Architecture
from rfa_models.convert.pretrained.gpt2 import GPT2
from rfa_models.convert.pretrained.gpt_neo import GPT_NEO
from rfa_models.convert.pretrained.llama import LLAMA, MISTRAL, QWEN2
from rfa_models.errors import ConfigError
from rfa_models.wording import shown

ARCHITECTURES: Mapping[str, Architecture] = {
    "llama": LLAMA,
    "mistral": MISTRAL,
    "smollm": LLAMA,
    "qwen2": QWEN2,
    "gpt2": GPT2,
    "gpt_neo": GPT_NEO,
}


def architecture_of(name: object) -> Architecture:
    """Find an architecture.  Raises ConfigError with those that are known."""
    if not isinstance(name, str) or name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"model_type is {shown(name)}, which is not read: known are {known}")
    return ARCHITECTURES[name]
