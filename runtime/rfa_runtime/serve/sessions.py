"""Conversations that the server remembers: states by name, in memory up to a budget, and in a folder if there is one.

With a folder a session is written after each reply, so that it outlives the server, and is read back in one go when it
is used again.  Without one, sessions that were not used for longest are forgotten when the budget is used up.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from rfa_runtime.bundle import process_lock
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.past import Past
from rfa_runtime.engine.prefix_cache import state_bytes
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.replies import Json
from rfa_runtime.serve.settings import ServeSettings

LOG = logging.getLogger(__name__)
SUFFIX = ".session"
NAME = re.compile(r"[0-9a-f]{32}")
TOKEN_BYTES = 4
MOST_SESSIONS = 1 << 16
"""Of any size: those where nothing was said yet keep next to nothing."""


@dataclass
class Session:
    """What is known of a conversation."""

    name: str
    past: Past | None = None
    """In memory."""
    file_bytes: int = 0
    """On the disk; 0 where it is not."""
    tokens: int | None = 0
    """That were read and written; None where only the file knows."""
    held: bool = False
    """Whether a request goes on with it now."""

    @property
    def memory_bytes(self) -> int:
        """In use."""
        return 0 if self.past is None else state_bytes(self.past.state) + TOKEN_BYTES * len(self.past.ids)


class Held:
    """A session while a request goes on with it."""

    def __init__(self, sessions: Sessions, name: str, past: Past | None) -> None:
        self.past = past
        """Where it stands; None where nothing was said yet."""
        self._sessions = sessions
        self._name = name
        self._released = False

    def put(self, past: Past) -> None:
        """It stands there now."""
        self._sessions.put(self._name, past)

    def release(self) -> None:
        """Let other requests have it."""
        if not self._released:
            self._released = True
            self._sessions.release(self._name)


class Sessions:
    """Any thread may use them; each session serves one request at a time."""

    def __init__(self, bundle: Bundle, settings: ServeSettings) -> None:
        """Find the sessions in the folder.  Raises OSError, OutputBusyError where another server has it."""
        self._bundle = bundle
        self._budget_bytes = settings.session_bytes
        self._folder = settings.session_folder
        self._folder_bytes = settings.session_folder_bytes
        self._sessions = OrderedDict[str, Session]()
        """The least recently used first."""
        self._memory_bytes = 0
        self._disk_bytes = 0
        self._lock = Lock()
        self._folder_lock: process_lock.Lock | None = None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder_lock = process_lock.acquire(process_lock.lock_file(self._folder), self._folder)
            files = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime)
            for file in files:
                if NAME.fullmatch(file.stem):
                    self._sessions[file.stem] = Session(file.stem, tokens=None)
                    self._change(self._sessions[file.stem], None, file.stat().st_size)

    def close(self) -> None:
        """Let another server have the folder."""
        if self._folder_lock is not None:
            self._folder_lock.release()
            self._folder_lock = None

    def begin(self, past: Past | None = None) -> str:
        """A new session, which may go on from somewhere.  Returns its name, which nobody can guess."""
        name = secrets.token_hex(16)
        with self._lock:
            self._sessions[name] = Session(name, held=True)
        if past is not None:
            self.put(name, past)
        self.release(name)
        return name

    def hold(self, name: str, device: str) -> Held:
        """A session for one request, which releases it.  Raises ApiError where it is unknown, or held."""
        with self._lock:
            session = self._free(name)
            session.held = True
            self._sessions.move_to_end(name)
        try:
            if session.past is None and session.file_bytes:
                past = Past.load(self._file(name), self._bundle, device)
                session.tokens = len(past.ids)
                with self._lock:
                    self._change(session, past, session.file_bytes)
        except (RfaRuntimeError, OSError) as error:
            LOG.error("a session cannot be read: %s", error)
            with self._lock:
                self._drop(session)
            raise ApiError(404, f"the session {name} cannot be read: begin another", code="session_lost") from error
        return Held(self, name, session.past)

    def put(self, name: str, past: Past) -> None:
        """A session that is held stands there now: in memory, and in its file."""
        file_bytes = 0
        if self._folder is not None:
            try:
                past.save(self._file(name))
                file_bytes = self._file(name).stat().st_size
            except OSError as error:  # a full disk: an older turn must not come back after a restart
                LOG.warning("a session is in memory only: %s", error)
                self._remove_file(name)
        with self._lock:
            session = self._sessions[name]
            session.tokens = len(past.ids)
            self._change(session, past, file_bytes)

    def release(self, name: str) -> None:
        """A session that is held may be used, or forgotten."""
        with self._lock:
            if name in self._sessions:
                self._sessions[name].held = False
            self._make_room()

    def end(self, name: str) -> None:
        """Forget a session.  Raises ApiError where it is unknown, or held."""
        with self._lock:
            self._drop(self._free(name))

    def about(self, name: str) -> Json:
        """What is said of a session.  Raises ApiError where it is unknown."""
        with self._lock:
            session = self._known(name)
        size = max(session.memory_bytes, session.file_bytes)
        return {"id": name, "object": "session", "tokens": session.tokens, "bytes": size}

    @property
    def kept_bytes(self) -> tuple[int, int]:
        """In memory, and on the disk."""
        with self._lock:
            return self._memory_bytes, self._disk_bytes

    def __len__(self) -> int:
        return len(self._sessions)

    def _known(self, name: str) -> Session:
        session = self._sessions.get(name)
        if session is None:
            raise ApiError(
                404,
                f"the session {name!r} does not exist, or made room for others: begin one at /v1/sessions",
                code="session_not_found",
            )
        return session

    def _free(self, name: str) -> Session:
        """A session that no request holds.  Raises ApiError."""
        session = self._known(name)
        if session.held:
            raise ApiError(409, f"the session {name} is at work: wait for its reply", code="session_busy")
        return session

    def _make_room(self) -> None:
        """Let those that were not used for longest go until the budgets hold: out of memory first."""
        for session in self._idle(self._memory_bytes > self._budget_bytes):
            if self._memory_bytes > self._budget_bytes and session.file_bytes:
                self._change(session, None, session.file_bytes)
        for session in self._idle(not self._fits):
            if not self._fits:
                self._drop(session)

    def _idle(self, wanted: bool) -> list[Session]:
        """Sessions that nobody holds, the least recently used first; none where none are wanted."""
        return [session for session in self._sessions.values() if not session.held] if wanted else []

    @property
    def _fits(self) -> bool:
        within = self._memory_bytes <= self._budget_bytes and self._disk_bytes <= self._folder_bytes
        return within and len(self._sessions) <= MOST_SESSIONS

    def _drop(self, session: Session) -> None:
        """Forget a session, and its file."""
        self._change(session, None, 0)
        self._sessions.pop(session.name, None)
        self._remove_file(session.name)

    def _change(self, session: Session, past: Past | None, file_bytes: int) -> None:
        """Note where a session lies now."""
        self._memory_bytes -= session.memory_bytes
        self._disk_bytes -= session.file_bytes
        session.past = past
        session.file_bytes = file_bytes
        self._memory_bytes += session.memory_bytes
        self._disk_bytes += session.file_bytes

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}{SUFFIX}"

    def _remove_file(self, name: str) -> None:
        if self._folder is None:
            return
        try:
            self._file(name).unlink(missing_ok=True)
        except OSError as error:
            LOG.warning("the file of a session stays: %s", error)
