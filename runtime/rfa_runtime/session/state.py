"""The memory of a sequence between two steps.  It belongs to the caller; a session holds none.

Letters: B rows of the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.manifest import StateSpec, of_kind
from rfa_runtime.errors import StateError
from rfa_runtime.session.buffer import Buffer
from rfa_runtime.session.saved import SavedState, TokenIds, check_known, known_ids, packed, read_saved, write_saved
from rfa_runtime.session.state_arrays import (
    Arrays,
    check_encoded,
    check_saved,
    filled,
    row_numbers,
    same_source,
    show,
    with_room,
    zeros,
)

FIRST_CAPACITY = 256
"""Tokens that a new cache has room for; it doubles when it is full."""


class State:
    """What a model remembers of B sequences.

    `StepSession.step` advances it in place; `copy` branches.  A recurrent state has one size for ever, a cache grows;
    what an encoder made of a source stays as it is.  One thread at a time may use it.
    """

    def __init__(
        self,
        specs: tuple[StateSpec, ...],
        lengths: np.ndarray,
        buffers: dict[str, Buffer],
        bundle: str | None = None,
        logits: np.ndarray | None = None,
    ) -> None:
        self.specs = specs
        self.bundle = bundle
        """sha256 of the bundle that it belongs to; None where nobody said it."""
        self.given_logits = logits
        """float32 [B, N] or [B, T, N] of the last step, which the next step overwrites."""
        self.batch = len(lengths)
        """Rows."""
        self.buffers = buffers
        """By the name of the past input; bound to both past and present."""
        self.longest = int(lengths.max())
        """Tokens that the longest row has read.  Rows advance together, so nothing else is counted."""
        self._behind = self.longest - lengths
        rooms = [buffers[spec.past].shape[2] for spec in of_kind(specs, "cache")]
        self.capacity = min(rooms, default=0)
        """Tokens that the caches have room for; 0 where the state has none, and so no limit."""
        self.moves = 0
        """How often the buffers were replaced by others: what was prepared for them is then of no use."""

    @staticmethod
    def zeros(
        specs: tuple[StateSpec, ...],
        batch: int,
        capacity: int | None = None,
        device: str = "cpu",
        cross: Arrays | None = None,
        bundle: str | None = None,
    ) -> State:
        """Return the state of B sequences that have read nothing.

        capacity: tokens that caches have room for.  cross: what the encoder gave, where the model has one.
        bundle: sha256 of the bundle that it belongs to.
        """
        if batch < 1 or (capacity is not None and capacity < 1):
            raise StateError(f"a state of batch {batch} and capacity {capacity} is empty, wanted both above zero")
        room = capacity or FIRST_CAPACITY
        of_source = check_encoded(specs, batch, cross or {})
        buffers = {}
        for spec in specs:
            if spec.kind == "cross":
                array = of_source[spec.past]
            else:
                array = zeros(spec, batch, room)
            buffers[spec.past] = Buffer(array, device)
        return State(specs, np.zeros(batch, np.int64), buffers, bundle)

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
        lengths = np.concatenate([state.lengths for state in states])
        return first._like(lengths, arrays, joined([state.logits for state in states]))

    @property
    def lengths(self) -> np.ndarray:
        """int64 [B]: tokens that each row has read."""
        return self.longest - self._behind

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers, spare room included."""
        return sum(buffer.nbytes for buffer in self.buffers.values())

    def copy(self) -> State:
        """Return another state that goes on from here.  What an encoder made never changes: both read the same."""
        arrays = {}
        for spec in self.specs:
            array = self.read(spec)
            arrays[spec.past] = array if spec.kind == "cross" else array.copy()
        logits = self.logits
        return self._like(self.lengths, arrays, None if logits is None else logits.copy())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> State:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: plain arrays, wherever the state lies."""
        arrays = {spec.past: self.read(spec) for spec in self.specs}
        return restored, (self.specs, self.lengths, arrays, self.device, self.bundle, self.logits)

    def select(self, rows: Iterable[int]) -> State:
        """Return a new state of some rows, in the given order; a row may come more than once."""
        chosen = row_numbers(rows)
        if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= self.batch:
            raise StateError(f"rows {chosen.tolist()} were asked for, the state has rows 0 to {self.batch - 1}")
        arrays = {spec.past: self.read(spec)[chosen] for spec in self.specs}
        logits = self.logits
        return self._like(self.lengths[chosen], arrays, None if logits is None else logits[chosen])

    def reorder(self, rows: Sequence[int] | np.ndarray) -> None:
        """Put row `rows[i]` in place i, in the same memory; what an encoder made stays where it is.

        So the beams of one source change places: one gather, of the rows that move.
        """
        chosen = row_numbers(rows)
        if chosen.shape != (self.batch,) or chosen.min() < 0 or chosen.max() >= self.batch:
            raise StateError(f"rows {chosen.tolist()} came, wanted {self.batch} from 0 to {self.batch - 1}")
        moved = np.flatnonzero(chosen != np.arange(self.batch))
        self.given_logits = None  # of other rows
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
        self.longest = 0
        self._behind = np.zeros(self.batch, np.int64)
        self.given_logits = None

    def reserve(self, tokens: int) -> None:
        """Make room for sequences of this length in the caches: twice as much each time, so that copies stay rare."""
        if not 0 < self.capacity < tokens:
            return
        room = max(tokens, 2 * self.capacity)
        arrays = {spec.past: with_room(spec, self.read(spec), room) for spec in self.specs}
        grown = self._like(self.lengths, arrays, None)
        self.buffers = grown.buffers
        self.capacity = room
        self.moves += 1

    @property
    def logits(self) -> np.ndarray | None:
        """float32 [B, N] after the last token; None where nothing was read.  The next step overwrites them."""
        given = self.given_logits
        return given[:, -1] if given is not None and given.ndim == 3 else given

    def save(self, path: Path | str, token_ids: Sequence[Sequence[int]] | None = None) -> None:
        """Write the state to a file, from which `load` goes on exactly: no token is read again.

        token_ids: that each row has read, to be kept with it.  The file appears whole or not at all.  Raises StateError
        for a state that belongs to no bundle, or for token_ids of other lengths; OSError.
        """
        write_saved(self._saved(token_ids), path)

    def to_bytes(self, token_ids: Sequence[Sequence[int]] | None = None) -> bytes:
        """What `save` would write.  Arguments and errors as there."""
        return packed(self._saved(token_ids))

    @staticmethod
    def load(path: Path | str, bundle: Bundle | Path | str, device: str = "cpu") -> tuple[State, TokenIds | None]:
        """Read what `save` wrote.  Returns the state, and the token ids of each row where the file has them.

        bundle: the one that the state was saved with.  device: where a session computes, such as `cuda`.
        Raises StateFileError for a file that is damaged in any byte, none of ours or of another bundle,
        StateVersionError for a newer format, StateError for tensors that do not fit, OSError.
        """
        return State.from_bytes(Path(path).read_bytes(), bundle, device, path)

    @staticmethod
    def from_bytes(
        data: bytes, bundle: Bundle | Path | str, device: str = "cpu", origin: Path | str = "the state"
    ) -> tuple[State, TokenIds | None]:
        """Read what `to_bytes` gave.  origin: what errors call it.  All else is as for `load`."""
        bundle = opened(bundle)
        saved = read_saved(data, bundle.sha256, origin)
        specs = bundle.manifest.state
        lengths = np.array(saved.lengths, np.int64)
        longest = int(lengths.max())
        check_known(saved, bundle.manifest.vocab_size, origin)
        check_saved(specs, saved.tensors, len(lengths), longest, origin)
        room = max(longest, FIRST_CAPACITY)
        arrays = {spec.past: with_room(spec, saved.tensors[spec.past], room) for spec in specs}
        state = restored(specs, lengths, arrays, device, saved.bundle, saved.logits)
        return state, saved.token_ids

    def _saved(self, token_ids: Sequence[Sequence[int]] | None) -> SavedState:
        if self.bundle is None:
            raise StateError("the state belongs to no bundle: take one from new_state of a session")
        lengths = self.lengths.tolist()
        ids = None if token_ids is None else known_ids(token_ids, lengths)
        tensors = {spec.past: filled(spec, self.read(spec), self.longest) for spec in self.specs}
        return SavedState(self.bundle, lengths, tensors, self.logits, ids)

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

    @property
    def device(self) -> str:
        """Where the buffers lie."""
        for buffer in self.buffers.values():
            return buffer.device
        return "cpu"

    def _like(self, lengths: np.ndarray, arrays: dict[str, np.ndarray], logits: np.ndarray | None) -> State:
        return restored(self.specs, lengths, arrays, self.device, self.bundle, logits)


def restored(
    specs: tuple[StateSpec, ...],
    lengths: np.ndarray,
    arrays: Arrays,
    device: str,
    bundle: str | None,
    logits: np.ndarray | None,
) -> State:
    """A state of these tensors."""
    buffers = {name: Buffer(array, device) for name, array in arrays.items()}
    return State(specs, lengths, buffers, bundle, logits)


def joined(logits: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """The logits of all rows; None where some have none."""
    known = [part for part in logits if part is not None]
    return np.concatenate(known) if len(known) == len(logits) else None
