"""Many texts at once, asked for by any thread: the core, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Unpack

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.checks import whole_number
from rfa_runtime.decoding.continuation import Request, Settings
from rfa_runtime.decoding.past import Past
from rfa_runtime.decoding.prompt import Prompt
from rfa_runtime.decoding.sampling_config import SamplingConfig, checked_tokens
from rfa_runtime.decoding.writer import Writer
from rfa_runtime.engine.core import Core
from rfa_runtime.engine.disk_tier import DiskTier
from rfa_runtime.engine.job import Job
from rfa_runtime.engine.prefix_cache import PrefixCache
from rfa_runtime.engine.scheduler import Pace
from rfa_runtime.engine.stream import Stream
from rfa_runtime.engine.timings import LARGEST_CHUNK
from rfa_runtime.errors import OptionError, PromptError, SessionError
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.step import StepSession
from rfa_runtime.wording import Setting

LOG = logging.getLogger(__name__)
STREAMS = 64
"""Texts at once, where nobody says how many or how much memory there is."""
LOGIT_BYTES = 4
LARGEST_STREAMS = 1 << 20
LARGEST_BYTES = 1 << 62
CACHE_BYTES = 64 << 20
"""For states of texts that were read, where nobody says it."""
FOLDER_BYTES = 1 << 30
"""The same on the disk, where there is a folder for them."""


class Engine(OwnProcess):
    """Writes many texts at once; those that find no place wait for one.

    Example:
        from rfa_runtime import Engine

        with Engine("model.rfa", max_streams=16) as engine:
            streams = [engine.submit(prompt, max_new_tokens=64) for prompt in ("Once upon", "The dog")]
            for stream in streams:
                print(stream.result().text)
    """

    def __init__(
        self,
        bundle: Bundle | Path | str,
        threads: int | None = None,
        provider: str = "cpu",
        huge_pages: bool = True,
        max_streams: int | None = None,
        memory_bytes: int | None = None,
        cache_bytes: int = CACHE_BYTES,
        cache_folder: Path | str | None = None,
        folder_bytes: int = FOLDER_BYTES,
        pace: Pace | None = None,
    ) -> None:
        """Load a bundle, or take one that was read.  threads, provider, huge_pages: see StepSession.

        max_streams: texts at once.  memory_bytes: for what they keep, from which their number follows.  cache_bytes:
        for states of texts that were read, so that a prompt which begins like one of them is not read again; 0 for
        none.  cache_folder: where states go that have no room there, up to folder_bytes; it outlives the engine.
        pace: how prompts and texts share the time.
        Raises OptionError where there is no room for one, OSError where the folder cannot be made, and as StepSession
        does.
        """
        self.bundle = opened(bundle)
        self.writer = Writer(self.bundle)
        self.max_streams = streams_within(self.bundle, max_streams, memory_bytes)
        """Texts at once."""
        self.session = StepSession(self.bundle, threads, provider, huge_pages=huge_pages)
        self.session.prepare(1, LARGEST_CHUNK)
        self.cache = PrefixCache(
            whole_number("cache_bytes", cache_bytes, 0, LARGEST_BYTES), self._disk(cache_folder, folder_bytes)
        )
        self._core = Core(self.session, self.max_streams, self.cache, pace)
        self._calls = SimpleQueue[Job | None]()
        """Jobs that are new or cancelled; None ends the engine."""
        self._state_bytes = stream_bytes(self.bundle)
        self._lock = Lock()
        self._closed = False
        self._thread = Thread(target=self._work, name="rfa-engine", daemon=True)
        self._thread.start()

    def submit(
        self,
        prompt: Prompt,
        request: Request | SamplingConfig | None = None,
        boundaries: Sequence[int] = (),
        past: Past | None = None,
        keep_end: bool = False,
        **settings: Unpack[Settings],
    ) -> Stream:
        """Ask for a text.  Any thread may.  Arguments and errors as for `Decoder.stream`.

        boundaries: numbers of tokens of the prompt after which a message ends, so that another prompt may begin with
        the same ones.  past: where the prompt goes on, such as the `end` of another stream; it stays as it is.
        keep_end: whether the stream is to have such an end.  The text is written whether or not somebody reads the
        stream.
        """
        return self.submit_several(prompt, 1, request, boundaries, past, keep_end, **settings)[0]

    def submit_several(
        self,
        prompt: Prompt,
        count: int,
        request: Request | SamplingConfig | None = None,
        boundaries: Sequence[int] = (),
        past: Past | None = None,
        keep_end: bool = False,
        **settings: Unpack[Settings],
    ) -> list[Stream]:
        """Ask for several texts that continue one prompt, which is read once.  Arguments as for `submit`.

        Each has its own random numbers, by its place.
        """
        asked = self.writer.request(request, settings)
        before = [] if past is None else past.ids.tolist()
        ids = self.writer.encode(prompt, after=bool(before))
        if past is not None:
            past.state.check(self.session.specs)
            if not ids and past.state.logits is None:
                raise PromptError("there is nothing to read, and no token was read before: give some text")
        places = checked_tokens("boundaries", boundaries)
        streams = []
        for place in range(whole_number("count", count, 1, LARGEST_STREAMS)):
            text = self.writer.text(asked, [*before, *ids], place)
            streams.append(Stream(ids, text, places, self._state_bytes, self._call, past, keep_end))
        first, *others = (stream.job for stream in streams)
        first.forks = others
        for other in others:
            other.follows = True
        self._call(first)
        return streams

    @property
    def counts(self) -> tuple[int, int, int]:
        """Texts that wait, whose prompts are read, and that are written."""
        return self._core.scheduler.counts

    def close(self) -> None:
        """End the engine.  Texts that are not finished end with an error."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._calls.put(None)
        self._thread.join()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _disk(self, folder: Path | str | None, budget: int) -> DiskTier | None:
        """The second tier of the cache; None where nobody asked for one."""
        size = whole_number("folder_bytes", budget, 0, LARGEST_BYTES)
        return None if folder is None else DiskTier(Path(folder), size, self.bundle, self.session.device)

    def _call(self, job: Job) -> None:
        """Tell the core of a job that is new, or was cancelled.  Raises SessionError where the engine is closed."""
        self.check_process()
        with self._lock:
            if self._closed and not job.cancelled:
                raise SessionError("the engine is closed: open another one")
            self._calls.put(job)

    def _work(self) -> None:
        """Take turns until the end.  Nobody waits for ever, whatever happens here."""
        error: BaseException = SessionError("the engine was closed before the text was finished")
        try:
            while self._listen():
                self._core.turn()
        except Exception as fault:  # a fault of ours: whoever waits gets it, and the log has where it came from
            LOG.exception("the engine has stopped")
            error = fault
        finally:
            with self._lock:
                self._closed = True
            while not self._calls.empty():
                job = self._calls.get()
                if job is not None:
                    self._core.hear(job)
            self._core.end_all(error)
            self.cache.close()

    def _listen(self) -> bool:
        """Take what was asked for, and wait while there is nothing to do.  False at the end."""
        while not self._calls.empty() or self._core.scheduler.idle:
            job = self._calls.get()
            if job is None:
                return False
            self._core.hear(job)
        return True


def streams_within(bundle: Bundle, max_streams: int | None, memory_bytes: int | None) -> int:
    """How many texts at once.  Raises OptionError where both limits came, or there is no room for one."""
    if max_streams is not None and memory_bytes is not None:
        raise OptionError(Setting("max_streams"), " and ", Setting("memory_bytes"), " came together, wanted one")
    if max_streams is not None:
        return whole_number("max_streams", max_streams, 1, LARGEST_STREAMS)
    if memory_bytes is None:
        return STREAMS
    each = stream_bytes(bundle)
    room = whole_number("memory_bytes", memory_bytes, 0, LARGEST_BYTES) // each
    if not room:
        raise OptionError(
            Setting("memory_bytes"), f" is {memory_bytes:,}, a text of {bundle.path.name} keeps {each:,}: give more"
        )
    return min(room, LARGEST_STREAMS)


def stream_bytes(bundle: Bundle) -> int:
    """What one text keeps: its state, and its row of logits."""
    states = sum(spec.row_bytes() for spec in bundle.manifest.state)
    return states + LOGIT_BYTES * bundle.manifest.vocab_size
