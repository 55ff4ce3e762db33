"""One state whose rows are the texts that are being written: they join and leave between any two steps.

Rows 0 to n - 1 are in use.  A text that joins takes row n; when one leaves, the last row takes its place.  What a text
remembers is so copied once when it joins, and at most once for each text that leaves.

Letters: n rows in use, N vocabulary.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rfa_runtime.bundle.manifest import StateSpec
from rfa_runtime.errors import StateError
from rfa_runtime.session.buffer import Buffer
from rfa_runtime.session.state import FIRST_CAPACITY, State
from rfa_runtime.session.state_arrays import with_room, zeros
from rfa_runtime.session.step import StepSession


class Slots(Protocol):
    """The rows of the texts that are being written."""

    @property
    def used(self) -> int:
        """n."""

    def join(self, state: State) -> int:
        """Take a copy of a state of one row.  Returns its row.  Raises StateError where all rows are in use."""

    def leave(self, row: int) -> int:
        """Give a row up.  Returns the row whose text moves to that place; `row` itself where none moves."""

    def step(self, tokens: list[int]) -> np.ndarray:
        """Read one token of every row.  Returns float32 logits [n, N], which the next step overwrites."""

    def take(self, row: int) -> State:
        """Return a copy of one row, as a state that goes on by itself."""


def slots_of(session: StepSession, most: int) -> Slots:
    """Rows for so many texts, where the session computes."""
    return HostSlots(session, most) if session.device == "cpu" else DeviceSlots(session, most)


class HostSlots:
    """Rows in memory that is set aside once.  Pages that no text has used yet cost nothing."""

    def __init__(self, session: StepSession, most: int) -> None:
        """most: rows at once."""
        self._session = session
        self._most = most
        self._room = FIRST_CAPACITY
        self._arrays = {spec.past: zeros(spec, most, self._room) for spec in session.specs}
        self._lengths = np.zeros(most, np.int64)
        self._used = 0
        self._state: State | None = None
        """Of the rows in use; None while nothing is prepared for them."""

    @property
    def used(self) -> int:
        return self._used

    def join(self, state: State) -> int:
        check_free(self._used, self._most)
        self._keep_lengths()
        self._make_room(state.longest)
        row = self._used
        for spec in self._session.specs:
            array = self._arrays[spec.past]
            part(spec, array, row, state.longest)[...] = part(spec, state.read(spec), 0, state.longest)
        self._lengths[row] = state.longest
        self._used += 1
        self._state = None
        return row

    def leave(self, row: int) -> int:
        self._keep_lengths()
        last = self._used - 1
        if row != last:
            length = int(self._lengths[last])
            for spec in self._session.specs:
                array = self._arrays[spec.past]
                part(spec, array, row, length)[...] = part(spec, array, last, length)
            self._lengths[row] = length
        self._used = last
        self._state = None
        return last

    def step(self, tokens: list[int]) -> np.ndarray:
        state = self._ready()
        if len(tokens) == 1:
            return self._session.step_token(tokens[0], state)
        return self._session.step(np.array([tokens]).T, state)

    def take(self, row: int) -> State:
        return self._ready().select([row])

    def _ready(self) -> State:
        """The state of the rows in use, with room for one more token."""
        if self._session.has_cache:
            self._keep_lengths()
            self._make_room(int(self._lengths[: self._used].max()) + 1)
        if self._state is None:
            used = self._used
            buffers = {name: Buffer(array[:used]) for name, array in self._arrays.items()}
            self._state = State(self._session.specs, self._lengths[:used].copy(), buffers, self._session.identity)
        return self._state

    def _keep_lengths(self) -> None:
        """Take over how far the rows have come."""
        if self._state is not None:
            self._lengths[: self._used] = self._state.lengths

    def _make_room(self, tokens: int) -> None:
        """Room in the caches for texts of this length: twice as much each time."""
        if not self._session.has_cache or tokens <= self._room:
            return
        self._keep_lengths()
        self._room = max(tokens, 2 * self._room)
        for spec in self._session.specs:
            self._arrays[spec.past] = with_room(spec, self._arrays[spec.past], self._room)
        self._state = None


class DeviceSlots:
    """Rows where numpy cannot reach: what joins or leaves makes the state anew."""

    def __init__(self, session: StepSession, most: int) -> None:
        """most: rows at once."""
        self._session = session
        self._most = most
        self._state: State | None = None

    @property
    def used(self) -> int:
        return 0 if self._state is None else self._state.batch

    def join(self, state: State) -> int:
        row = self.used
        check_free(row, self._most)
        self._state = state.copy() if self._state is None else State.stack([self._state, state])
        return row

    def leave(self, row: int) -> int:
        assert self._state is not None
        last = self.used - 1
        kept = list(range(last))
        if row != last:
            kept[row] = last
        self._state = self._state.select(kept) if kept else None
        return last

    def step(self, tokens: list[int]) -> np.ndarray:
        assert self._state is not None
        return self._session.step(np.array([tokens]).T, self._state)

    def take(self, row: int) -> State:
        assert self._state is not None
        return self._state.select([row])


def check_free(used: int, most: int) -> None:
    """Raise StateError where no row is free."""
    if used == most:
        raise StateError(f"all {most} rows are in use, wanted one to be free")


def part(spec: StateSpec, array: np.ndarray, row: int, tokens: int) -> np.ndarray:
    """What is to be copied of a row that has read so many tokens: of a cache no more than these."""
    return array[row, :, :tokens] if spec.kind == "cache" else array[row]
