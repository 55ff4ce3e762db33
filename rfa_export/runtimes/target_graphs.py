"""A target's graphs in some runtime, used as our own runtime uses those of target `ort`; arrays go in and come out.

Letters: B rows, T tokens, M source tokens, N vocabulary, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rfa_export.graph.names import (
    ATTENTION_MASK,
    INPUT_IDS,
    LOGITS,
    PAIR,
    POSITION_IDS,
    SEQLENS_K,
    TOTAL_SEQUENCE_LENGTH,
)
from rfa_export.graph.roles import ENCODER, MODEL, PREFILL, role_in_bundle
from rfa_export.runtimes.runtime import Arrays, Run, Runtime
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import GraphSpec
from rfa_runtime.session.padding import pad


@dataclass
class Carried:
    """What is carried from step to step."""

    arrays: Arrays
    """By the name of the past input."""
    length: int = 0
    """Tokens read."""


@dataclass(frozen=True)
class TargetGraphs:
    """A bundle's graphs for one target, each loaded by a runtime when it is first needed."""

    bundle: Bundle
    target: str
    runtime: Runtime
    bound: float = LOGITS_FLOAT32
    """How far a logit may be off from torch, relative to the largest."""
    loaded: dict[str, Run] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """For reports."""
        return f"{self.runtime.name} {self.runtime.version()}"

    @property
    def has_cache(self) -> bool:
        """Whether the state grows with the sequence."""
        return any(spec.kind == "cache" for spec in self.bundle.manifest.state)

    def new_state(self, batch: int, cross: Arrays | None = None) -> Carried:
        """The state of B sequences that have read nothing.  cross: what `encode` gave."""
        carried = [spec for spec in self.bundle.manifest.state if spec.kind != "cross"]
        empty = {spec.past: np.zeros(spec.sizes(batch, capacity=0), spec.dtype) for spec in carried}
        return Carried(empty | (cross or {}))

    def step(self, input_ids: np.ndarray, state: Carried) -> np.ndarray:
        """Read T tokens of every row, advance the state in place.  input_ids: int64 [B, T] -> logits [B, N]."""
        rows, count = input_ids.shape
        if self.has_cache and rows > 1 and count > 1 and state.length:
            # GroupQueryAttention reads several tokens over a past in one call for a single row only.
            return [self.step(column[:, None], state) for column in input_ids.T][-1]
        positions = np.broadcast_to(state.length + np.arange(count), input_ids.shape).copy()
        role = PREFILL if count > 1 and role_in_bundle(PREFILL, self.target) in self.bundle.manifest.graphs else MODEL
        length = state.length + count  # what a softmax model wants to know of its cache
        counters = {
            SEQLENS_K: np.full(rows, length - 1, np.int32),
            TOTAL_SEQUENCE_LENGTH: np.array(length, np.int32),
        }
        found = self._run(role, {INPUT_IDS: input_ids, POSITION_IDS: positions} | counters, state.arrays)
        # A runtime may keep the state to itself.
        state.arrays |= {s.past: found[s.present] for s in self.bundle.manifest.state if s.present in found}
        state.length = length
        return found[LOGITS][:, -1]

    def encode(self, sources: list[list[int]]) -> Arrays:
        """Read B sources.  Returns what `new_state` takes as `cross`."""
        return self._run(ENCODER, text_inputs(sources))

    def classify(self, texts: list[tuple[list[int], ...]]) -> np.ndarray:
        """Read B texts or pairs.  Returns logits [B, C]."""
        given: Arrays = {}
        for prefix, rows in zip(("", PAIR), zip(*texts, strict=True), strict=False):
            given |= {prefix + name: array for name, array in text_inputs(list(rows)).items()}
        return self._run(MODEL, given)[LOGITS]

    def spec(self, role: str) -> GraphSpec:
        """The target's graph of a role."""
        return self.bundle.graph(role_in_bundle(role, self.target))

    def _run(self, role: str, available: Arrays, states: Arrays | None = None) -> Arrays:
        spec = self.spec(role)
        if role not in self.loaded:
            presents = tuple(s.present for s in self.bundle.manifest.state if s.kind != "cross") if states else ()
            self.loaded[role] = self.runtime.load(self.bundle.path / spec.file, role, spec.outputs + presents)
        return self.loaded[role]({name: available[name] for name in spec.inputs} | (states or {}))


def text_inputs(rows: list[list[int]]) -> Arrays:
    """Ids, mask and positions of whole texts.  All int64 [B, M]."""
    ids, mask = pad(rows)
    positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape).copy()
    return {INPUT_IDS: ids, ATTENTION_MASK: mask, POSITION_IDS: positions}
