"""The memory of a sequence between two steps.  It belongs to the caller; a session holds none.

Letters: B rows of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rfa_runtime.bundle.manifest import StateSpec
from rfa_runtime.errors import StateError
from rfa_runtime.session.buffer import Buffer
from rfa_runtime.session.state_arrays import Arrays, encoded, same_source, show, with_room

if TYPE_CHECKING:
    from rfa_runtime.session.binding import Binding

FIRST_CAPACITY = 256
"""Tokens that a new cache has room for; it doubles when it is full."""


class State:
    """What a model remembers of B sequences.

    `StepSession.step` advances it in place; `copy` branches.  A recurrent state has one size for ever, a cache grows;
    what an encoder made of a source stays as it is.  One thread at a time may use it.
    """

    def __init__(self, specs: tuple[StateSpec, ...], lengths: np.ndarray, buffers: dict[str, Buffer]) -> None:
        self.specs = specs
        self.batch = len(lengths)
        """Rows."""
        self.buffers = buffers
        """By the name of the past input; bound to both past and present."""
        self.longest = int(lengths.max())
        """Tokens that the longest row has read.  Rows advance together, so this alone is counted."""
        self._behind = self.longest - lengths
        self.capacity = min((buffers[spec.past].shape[2] for spec in specs if spec.kind == "cache"), default=0)
        """Tokens that the caches have room for; 0 where the state has none, and so no limit."""
        self.binding: Binding | None = None
        """Where a session keeps what it prepared for this state: it goes when the state goes."""

    @staticmethod
    def zeros(
        specs: tuple[StateSpec, ...],
        batch: int,
        capacity: int | None = None,
        device: str = "cpu",
        cross: Arrays | None = None,
    ) -> State:
        """Return the state of B sequences that have read nothing.

        capacity: tokens that caches have room for.  cross: what the encoder gave, where the model has one.
        """
        if batch < 1 or (capacity is not None and capacity < 1):
            raise StateError(f"a state of batch {batch} and capacity {capacity} is empty, wanted both above zero")
        room = capacity or FIRST_CAPACITY
        arrays = dict(encoded([spec for spec in specs if spec.kind == "cross"], batch, cross or {}))
        for spec in specs:
            if spec.kind != "cross":
                arrays[spec.past] = np.zeros(spec.sizes(batch, room), spec.dtype)  # untouched pages cost nothing
        return State(specs, np.zeros(batch, np.int64), {name: Buffer(array, device) for name, array in arrays.items()})

    @staticmethod
    def stack(states: Sequence[State]) -> State:
        """Return one state with the rows of all, in order."""
        if not states:
            raise StateError("no states came, wanted at least one to stack")
        first = states[0]
        for state in states:
            state.check(first.specs)
        room = max(state.capacity for state in states)
        arrays = {}
        for spec in first.specs:
            parts = [with_room(spec, state.read(spec), room) for state in states]
            arrays[spec.past] = np.concatenate(same_source(spec, parts))
        return first._like(np.concatenate([state.lengths for state in states]), arrays)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [B]: tokens that each row has read."""
        return self.longest - self._behind

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers, spare room included."""
        return sum(buffer.nbytes for buffer in self.buffers.values())

    def copy(self) -> State:
        """Return a state of its own that goes on from here.  What an encoder made never changes: both read the same."""
        return self._like(self.lengths, self._map(lambda spec, array: array if spec.kind == "cross" else array.copy()))

    def select(self, rows: Iterable[int]) -> State:
        """Return a new state of some rows, in the given order; a row may come more than once."""
        chosen = np.asarray(list(rows), np.int64)
        if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= self.batch:
            raise StateError(f"rows {chosen.tolist()} were asked for, the state has rows 0 to {self.batch - 1}")
        return self._like(self.lengths[chosen], self._map(lambda spec, array: array[chosen]))

    def reorder(self, rows: Sequence[int] | np.ndarray) -> None:
        """Put row `rows[i]` in place i, in the same memory; what an encoder made stays where it is.

        So the beams of one source change places: one gather, of the rows that move.
        """
        chosen = np.asarray(rows, np.int64)
        if chosen.shape != (self.batch,) or chosen.min() < 0 or chosen.max() >= self.batch:
            raise StateError(f"rows {chosen.tolist()} came, wanted {self.batch} from 0 to {self.batch - 1}")
        moved = np.flatnonzero(chosen != np.arange(self.batch))
        self._behind = self._behind[chosen]
        for spec in self.specs:
            if moved.size and spec.kind != "cross":
                filled = self.longest if spec.kind == "cache" else None
                self.buffers[spec.past].replace_rows(moved, chosen[moved], filled)

    def reset(self) -> None:
        """Forget everything but what an encoder made, in place."""
        for spec in self.specs:
            if spec.kind != "cross":
                buffer = self.buffers[spec.past]
                buffer.write(np.zeros(buffer.shape, buffer.dtype))
        self.longest, self._behind = 0, np.zeros(self.batch, np.int64)

    def reserve(self, tokens: int) -> None:
        """Make room for sequences of this length in the caches: twice as much each time, so that copies stay rare."""
        if not 0 < self.capacity < tokens:
            return
        room = max(tokens, 2 * self.capacity)
        grown = self._like(self.lengths, self._map(lambda spec, array: with_room(spec, array, room)))
        self.buffers, self.capacity, self.binding = grown.buffers, room, None

    def read(self, spec: StateSpec) -> np.ndarray:
        """Return one tensor of the state: a view on the CPU, a copy from elsewhere."""
        return self.buffers[spec.past].read()

    def check(self, specs: tuple[StateSpec, ...]) -> None:
        """Raise StateError unless the state is made of these tensors."""
        if self.specs == specs:
            return
        for mine, wanted in zip(self.specs, specs, strict=False):
            if mine != wanted:
                raise StateError(
                    f"state {mine.past!r} has shape {show(mine, self.batch)}, the bundle declares {wanted.past!r} with "
                    f"{show(wanted, 'B')}: was this state made by another bundle?"
                )
        raise StateError(
            f"the state has {len(self.specs)} tensors, the bundle declares {len(specs)}: "
            "was this state made by another bundle?"
        )

    def _map(self, change: Callable[[StateSpec, np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        return {spec.past: change(spec, self.read(spec)) for spec in self.specs}

    def _like(self, lengths: np.ndarray, arrays: dict[str, np.ndarray]) -> State:
        device = next((buffer.device for buffer in self.buffers.values()), "cpu")
        return State(self.specs, lengths, {name: Buffer(array, device) for name, array in arrays.items()})
