"""Architectures that are refused by name, before a tensor is looked at: else the message would name what they lack.

docs/decisions/0006-adaptive-input-is-refused.md says why these cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rfa_models.convert.names import EMBEDDING, OUTPUT
from rfa_models.errors import CheckpointError
from rfa_models.wording import shown

ADAPTIVE = {
    "adaptive input": ("adaptive_input", "embed_tokens.embeddings."),
    "an adaptive softmax": ("adaptive_softmax_cutoff", "adaptive_softmax."),
}
"""To the setting that asks for it, and to what the names of its tensors hold."""


def refuse_adaptive(names: Iterable[Any], settings: Mapping[Any, Any]) -> None:
    """Raise CheckpointError where tokens have embeddings or outputs in bands of unequal width, by names or settings."""
    texts = sorted(name for name in names if isinstance(name, str))
    found = []
    for what, (setting, part) in ADAPTIVE.items():
        tensors = [name for name in texts if part in name]
        if tensors:
            found.append(f"{what} ({shown(tensors[0])})")
        elif is_on(settings.get(setting)):
            found.append(f"{what} (args.{setting})")
    if found:
        raise CheckpointError(
            f"has {' and '.join(found)}: tables of unequal width for frequent and rare tokens, which our models do not "
            f"have; wanted one table {EMBEDDING!r} and one {OUTPUT!r}: convert a model that fairseq trained "
            "without --adaptive-input and --adaptive-softmax-cutoff"
        )


def is_on(setting: Any) -> bool:
    """Whether a flag is set, or a list of limits such as "20000,60000" or [20000, 60000] given."""
    return isinstance(setting, bool | str | list | tuple) and bool(setting)
