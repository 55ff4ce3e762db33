"""A text up to one token: what was read and written of it, and what the model remembers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.written import TokenIds
from rfa_runtime.errors import StateError
from rfa_runtime.session.saved import TokenIds as SavedIds
from rfa_runtime.session.state import State


@dataclass(frozen=True)
class Past:
    """Where another text goes on."""

    ids: TokenIds
    """All tokens that the state has read."""
    state: State
    """Of one row."""

    @staticmethod
    def load(path: Path | str, bundle: Bundle, device: str = "cpu") -> Past:
        """Read what `save` wrote.  Raises as `State.load` does, StateError for several texts, or without ids."""
        return one_text(*State.load(path, bundle, device), path)

    @staticmethod
    def from_bytes(data: bytes, bundle: Bundle, device: str = "cpu") -> Past:
        """Read what `to_bytes` gave.  Raises as `load` does, without OSError."""
        return one_text(*State.from_bytes(data, bundle, device), "the state")

    def save(self, path: Path | str) -> None:
        """Write everything to a file, whole or not at all.  Raises OSError."""
        self.state.save(path, [self.ids])

    def to_bytes(self) -> bytes:
        """What `save` would write."""
        return self.state.to_bytes([self.ids])

    def copy(self) -> Past:
        """Another one, which a text may go on from while this stays."""
        return Past(self.ids[:], self.state.copy())


def one_text(state: State, ids: SavedIds | None, origin: Path | str) -> Past:
    """A state of one row with its tokens.  Raises StateError for another."""
    if ids is None or len(ids) != 1:
        raise StateError(f"{origin}: holds {state.batch} texts, with or without their tokens: wanted one with them")
    return Past(TokenIds(ids[0]), state)
