"""Halves: a translator as two modules, one that reads a source and one that takes a step of the target.

Each half becomes a graph.  What passes from one to the other is a flat row of tensors: what each decoder layer keeps of
the source, and, where layers keep every token, which of the tokens are padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rfa_export.errors import TraceError
from rfa_export.graph.names import CROSS_PARTS, cross
from rfa_export.tracing.trace import evaluating, reason
from rfa_runtime.bundle.interface import CROSS_MASK


@dataclass(frozen=True)
class Memories:
    """How the memories of a translator's layers lie side by side."""

    parts: tuple[int, ...]
    """Tensors of each layer: 1 of RFA, 2 of softmax."""

    @property
    def masked(self) -> bool:
        """Whether a layer keeps every token.  It must know then which of them are padding."""
        return 2 in self.parts

    @property
    def names(self) -> list[str]:
        """The names of all tensors, the mask last."""
        names = []
        for layer, count in enumerate(self.parts):
            for part in CROSS_PARTS[count]:
                names.append(cross(layer, part))
        if self.masked:
            names.append(CROSS_MASK)
        return names

    def flatten(self, memories: Sequence[Sequence[Tensor]], keep: Tensor) -> tuple[Tensor, ...]:
        """Put the layers' memories in a row.  keep: [B, M], 1 = token, 0 = padding."""
        tensors: list[Tensor] = []
        for memory in memories:
            tensors += memory
        if self.masked:
            tensors.append(keep.to(torch.int32))
        return tuple(tensors)

    def unflatten(self, tensors: Sequence[Tensor]) -> tuple[list[tuple[Tensor, ...]], Tensor | None]:
        """Take such a row apart again: the layers' memories and the mask."""
        memories = []
        start = 0
        for count in self.parts:
            memories.append(tuple(tensors[start : start + count]))
            start += count
        mask = tensors[-1] if self.masked else None
        return memories, mask


class EncoderHalf(nn.Module):
    """`encode` with tensors in and tensors out."""

    def __init__(self, translator: Any, memories: Memories) -> None:
        super().__init__()
        self.translator = translator
        self.memories = memories

    def forward(self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor) -> tuple[Tensor, ...]:
        """All [B, M] -> what the decoder keeps of the sources."""
        memories = self.translator.encode(input_ids, position_ids, attention_mask)
        return self.memories.flatten(memories, attention_mask)


class DecoderHalf(nn.Module):
    """`step` with tensors in and tensors out, from an empty past."""

    def __init__(self, translator: Any, memories: Memories) -> None:
        super().__init__()
        self.translator = translator
        self.memories = memories

    def forward(self, input_ids: Tensor, position_ids: Tensor, memory: tuple[Tensor, ...]) -> Tensor:
        """input_ids, position_ids: [B, T] -> [B, T, N]."""
        memories, keep = self.memories.unflatten(memory)
        logits, *_ = self.translator.step(input_ids, memories, position_ids, keep)
        return logits


def read_memories(translator: Any) -> Memories:
    """Let a translator encode two tokens, and see what its layers keep of them.

    Raises TraceError where a method is missing or fails, or where a layer keeps something that is not known here.
    """
    ids = torch.zeros(1, 2, dtype=torch.int64)
    name = type(translator).__name__
    for method in ("encode", "step"):
        if not hasattr(translator, method):
            raise TraceError(f"{name} has no method {method!r}, wanted encode and step, as of rfa_models.Translator")
    try:
        with evaluating(translator), torch.no_grad():
            parts = tuple(len(memory) for memory in translator.encode(ids, ids, torch.ones_like(ids)))
    except Exception as error:  # the module's own code may raise anything
        raise TraceError(f"{name} cannot encode two tokens: {reason(error)}") from error
    if not parts or not set(parts) <= CROSS_PARTS.keys():
        raise TraceError(
            f"{name}.encode gives {parts} tensors for its layers, wanted 1 (RFA) or 2 (softmax) for each of them"
        )
    return Memories(parts)
