"""The memory of a sequence between two steps.  It belongs to the caller; a session holds none.

Letters: B rows of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rfa_runtime.buffer import Buffer
from rfa_runtime.errors import StateError
from rfa_runtime.manifest import SOURCE, StateSpec

if TYPE_CHECKING:
    from rfa_runtime.binding import Binding

FIRST_CAPACITY = 256
"""Tokens that a new cache has room for; it doubles when it is full."""
Arrays = Mapping[str, np.ndarray]


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
        arrays = {
            spec.past: np.zeros(spec.sizes(batch, room), spec.dtype)  # untouched pages cost nothing
            if spec.kind != "cross"
            else encoded(spec, batch, cross)
            for spec in specs
        }
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
        """Return a state of its own that goes on from here."""
        return self.select(range(self.batch))

    def select(self, rows: Iterable[int]) -> State:
        """Return a new state of some rows, in the given order; a row may come more than once."""
        chosen = np.asarray(list(rows), np.int64)
        if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= self.batch:
            raise StateError(f"rows {chosen.tolist()} were asked for, the state has rows 0 to {self.batch - 1}")
        return self._like(self.lengths[chosen], self._map(lambda spec, array: array[chosen]))

    def reorder(self, rows: Sequence[int]) -> None:
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
                self.buffers[spec.past].replace_rows(moved, chosen[moved])

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


def encoded(spec: StateSpec, batch: int, cross: Arrays | None) -> np.ndarray:
    """Find what the encoder made for one tensor of B rows.  Raises StateError where it is missing or does not fit."""
    if cross is None or spec.present not in cross:
        raise StateError(f"the model reads a source through {spec.past!r}, which did not come: encode the source first")
    array = cross[spec.present]
    source = array.shape[spec.shape.index(SOURCE)] if SOURCE in spec.shape and array.ndim == len(spec.shape) else 1
    if array.shape != spec.sizes(batch, source=source) or array.dtype != spec.dtype:
        raise StateError(f"{spec.past!r} is {array.dtype} {array.shape}, wanted {show(spec, batch)}")
    return array


def same_source(spec: StateSpec, parts: list[np.ndarray]) -> list[np.ndarray]:
    """Fill up the rows of shorter sources with zeros: the mask, which is such a tensor too, leaves them out."""
    if SOURCE not in spec.shape:
        return parts
    axis = spec.shape.index(SOURCE)
    longest = max(part.shape[axis] for part in parts)
    return [np.pad(p, [(0, (longest - p.shape[axis]) * (i == axis)) for i in range(p.ndim)]) for p in parts]


def with_room(spec: StateSpec, array: np.ndarray, tokens: int) -> np.ndarray:
    """Return a cache with room for more tokens; a recurrent state as it is."""
    if spec.kind != "cache" or array.shape[2] == tokens:
        return array
    wider = np.zeros(spec.sizes(len(array), tokens), array.dtype)
    wider[:, :, : array.shape[2]] = array
    return wider


def show(spec: StateSpec, batch: int | str) -> str:
    """A shape for people, `B` for any batch."""
    return "(" + ", ".join(str(batch if dim == "batch" else dim) for dim in spec.shape) + f") {spec.dtype}"
