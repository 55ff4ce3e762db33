"""States that memory has no room for, as files in a folder: the second tier of the prefix cache.

Each file is what `State.save` writes, with its tokens, named by a hash of them.  So the folder outlives the engine:
the next one with the same bundle finds what this one has read.  A file that is damaged, or of another bundle, is
never a hit; one that the engine cannot read or write is a line in the log, and the prompt is read again.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import RfaRuntimeError, StateFileError
from rfa_runtime.session.saved import read_owner
from rfa_runtime.session.state import State

LOG = logging.getLogger(__name__)
SUFFIX = ".prefix"
NAME_DIGITS = 32


class DiskTier:
    """A folder of states, the least recently used first.  One engine at a time may use it."""

    def __init__(self, folder: Path, budget_bytes: int, bundle: Bundle, device: str = "cpu") -> None:
        """Open a folder, or make it.  budget_bytes: of all its files.  device: where states are wanted.

        Raises OSError where there can be no such folder.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.budget_bytes = budget_bytes
        self._bundle = bundle
        self._device = device
        self._sizes = OrderedDict[Path, int]()
        self._bytes = 0

    def known(self) -> Iterator[tuple[list[int], Path]]:
        """Yield what files of this bundle lie in the folder, with the tokens that they say they have read."""
        files = sorted(self.folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime)
        for file in files:
            try:
                ids = read_owner(file, self._bundle.sha256)
            except (RfaRuntimeError, OSError) as error:
                LOG.debug("left alone: %s", error)
                continue
            self._note(file, file.stat().st_size)
            yield ids, file

    def write(self, ids: Sequence[int], state: State) -> tuple[Path | None, list[Path]]:
        """Put a state into the folder.  Returns its file, None where that failed, and the files that made room."""
        tokens = np.array(ids, np.int32)
        name = hashlib.sha256(self._bundle.sha256.encode() + tokens.tobytes()).hexdigest()[:NAME_DIGITS]
        file = self.folder / f"{name}{SUFFIX}"
        try:
            state.save(file, [tokens.tolist()])
            self._note(file, file.stat().st_size)
        except (RfaRuntimeError, OSError) as error:
            LOG.warning("a state was not kept on the disk: %s", error)
            return None, []
        return file, self._make_room()

    def read(self, file: Path, ids: Sequence[int]) -> State | None:
        """Read a text's state; None where the file is damaged, gone, or another text's: then it is forgotten."""
        try:
            state, found = State.load(file, self._bundle, self._device)
            if found != (tuple(ids),):
                raise StateFileError(f"{file}: it has read another text")
        except (RfaRuntimeError, OSError) as error:
            LOG.warning("a state on the disk is of no use: %s", error)
            self.remove(file)
            return None
        self._sizes.move_to_end(file)
        return state

    def remove(self, file: Path) -> None:
        """Take a file away."""
        self._bytes -= self._sizes.pop(file, 0)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            LOG.warning("a state stays on the disk: %s", error)

    @property
    def bytes(self) -> int:
        """Of all files."""
        return self._bytes

    def _note(self, file: Path, size: int) -> None:
        self._bytes += size - self._sizes.pop(file, 0)
        self._sizes[file] = size

    def _make_room(self) -> list[Path]:
        """Take away what was not used for longest until the budget holds."""
        gone = []
        while self._bytes > self.budget_bytes and self._sizes:
            file = next(iter(self._sizes))
            self.remove(file)
            gone.append(file)
        return gone
