"""A target's graphs in some runtime, used as our own runtime uses those of target `ort`; arrays go in and come out.

Letters: B rows, T tokens, M source tokens, N vocabulary, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rfa_export.runtimes.runtime import Arrays, Run, Runtime
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import (
    ATTENTION_MASK,
    ENCODER,
    INPUT_IDS,
    LOGITS,
    MODEL,
    PAIR,
    POSITION_IDS,
    PREFILL,
    SEQLENS_K,
    TOTAL_SEQUENCE_LENGTH,
    role_in_bundle,
)
from rfa_runtime.bundle.manifest import GraphSpec, StateSpec, kinds
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
    """By role."""

    @property
    def title(self) -> str:
        """For reports."""
        return f"{self.runtime.name} {self.runtime.version()}"

    @property
    def has_cache(self) -> bool:
        """Whether the state grows with the sequence."""
        return "cache" in kinds(self.bundle.manifest.state)

    @property
    def own_states(self) -> list[StateSpec]:
        """What a step takes and leaves; what an encoder gave is not among it."""
        return [spec for spec in self.bundle.manifest.state if spec.kind != "cross"]

    def new_state(self, batch: int, cross: Arrays | None = None) -> Carried:
        """The state of B sequences that have read nothing.  cross: what `encode` gave."""
        arrays: Arrays = {}
        for spec in self.own_states:
            arrays[spec.past] = np.zeros(spec.sizes(batch, capacity=0), spec.dtype)
        return Carried(arrays | (cross or {}))

    def step(self, input_ids: np.ndarray, state: Carried) -> np.ndarray:
        """Read T tokens of every row, advance the state in place.  input_ids: int64 [B, T] -> logits [B, N]."""
        rows, count = input_ids.shape
        if self.has_cache and rows > 1 and count > 1 and state.length:
            # GroupQueryAttention reads several tokens over a past in one call for a single row only.
            for column in input_ids.T:
                logits = self.step(column[:, None], state)
            return logits
        found = self._run(self.role_of(count), step_inputs(input_ids, state.length), state.arrays)
        for spec in self.bundle.manifest.state:
            # A runtime may keep the state to itself.
            if spec.present in found:
                state.arrays[spec.past] = found[spec.present]
        state.length += count
        return found[LOGITS][:, -1]

    def role_of(self, count: int) -> str:
        """The graph that reads this many tokens at once."""
        has_prefill = role_in_bundle(PREFILL, self.target) in self.bundle.manifest.graphs
        return PREFILL if count > 1 and has_prefill else MODEL

    def encode(self, sources: list[list[int]]) -> Arrays:
        """Read B sources.  Returns what `new_state` takes as `cross`."""
        return self._run(ENCODER, text_inputs(sources))

    def classify(self, texts: list[tuple[list[int], ...]]) -> np.ndarray:
        """Read B texts or pairs.  Returns logits [B, C]."""
        first, *second = zip(*texts, strict=True)
        given = text_inputs(first)
        for rows in second:
            given |= text_inputs(rows, PAIR)
        return self._run(MODEL, given)[LOGITS]

    def spec(self, role: str) -> GraphSpec:
        """The target's graph of a role."""
        return self.bundle.graph(role_in_bundle(role, self.target))

    def _run(self, role: str, available: Arrays, states: Arrays | None = None) -> Arrays:
        """Run the graph of a role with those of the arrays that it takes, and the states."""
        spec = self.spec(role)
        if role not in self.loaded:
            outputs = [*spec.outputs]
            if states:
                outputs += [state.present for state in self.own_states]
            self.loaded[role] = self.runtime.load(self.bundle.path / spec.file, role, tuple(outputs))
        given = {name: available[name] for name in spec.inputs}
        return self.loaded[role](given | (states or {}))


def step_inputs(input_ids: np.ndarray, read: int) -> Arrays:
    """All that a step graph may ask for, states left out.  input_ids: int64 [B, T].  read: tokens before these."""
    rows, count = input_ids.shape
    positions = np.broadcast_to(read + np.arange(count), input_ids.shape).copy()
    length = read + count
    return {
        INPUT_IDS: input_ids,
        POSITION_IDS: positions,
        SEQLENS_K: np.full(rows, length - 1, np.int32),
        TOTAL_SEQUENCE_LENGTH: np.array(length, np.int32),
    }


def text_inputs(rows: Sequence[list[int]], prefix: str = "") -> Arrays:
    """Ids, mask and positions of whole texts.  All int64 [B, M].  prefix: of the names."""
    ids, mask = pad(list(rows))
    positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape).copy()
    return {prefix + INPUT_IDS: ids, prefix + ATTENTION_MASK: mask, prefix + POSITION_IDS: positions}
