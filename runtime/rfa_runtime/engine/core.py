"""The engine without threads: jobs come, turns are taken, pieces go out.

turn = admit -> a chunk of one prompt -> one token of every text
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from rfa_runtime.decoding.generation import Piece
from rfa_runtime.decoding.past import Past
from rfa_runtime.decoding.written import TokenIds
from rfa_runtime.engine.job import CANCELLED, Job, Stage
from rfa_runtime.engine.prefix_cache import PrefixCache
from rfa_runtime.engine.scheduler import Pace, Scheduler
from rfa_runtime.engine.slots import slots_of
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession


class Core:
    """Writes many texts at once.  One thread at a time may use it."""

    def __init__(self, session: StepSession, most: int, cache: PrefixCache, pace: Pace | None = None) -> None:
        """most: texts at once."""
        self.session = session
        self.scheduler: Scheduler[Job] = Scheduler(most, pace or Pace(), lambda job: job.unread)
        self.cache = cache
        self._slots = slots_of(session, most)
        self._rows: list[Job] = []
        """The jobs that are written, by their rows."""
        self._news: list[tuple[Job, Piece | BaseException]] = []
        """What goes out when the work at hand is done.

        Whoever waits for a piece then wakes while the model computes, and not while we choose the next row's token:
        only one thread at a time runs Python.
        """

    def hear(self, job: Job) -> None:
        """Take a new job on, or let one go that is not wanted any more."""
        if job.stage is Stage.NEW and not job.follows:
            self._arrive(job)
        if job.cancelled and job.stage is not Stage.OVER:
            self._end(job, job.text.stop(CANCELLED))
        self._announce()

    def turn(self) -> None:
        """Take one turn.

        An error of the model ends the jobs that it concerns: they get it, and the others go on.
        """
        for job in self.scheduler.admit():
            self._guarded([job], lambda job=job: self._begin(job))  # type: ignore[misc]
        reader = self.scheduler.reader()
        if reader is not None:
            self._guarded([reader], lambda: self._read(reader))
        if self._rows and self.scheduler.writes:
            self._guarded(list(self._rows), self._write)

    def work(self) -> None:
        """Take turns until nothing is left to do."""
        while not self.scheduler.idle:
            self.turn()

    def end_all(self, error: BaseException) -> None:
        """Let all jobs go, those that follow others too."""
        for job in self.scheduler.jobs():
            for one in (job, *job.forks):
                one.stage = Stage.OVER
                self._give(one, error)
            self.scheduler.leave(job)
        self._announce()

    def _arrive(self, job: Job) -> None:
        job.stage = Stage.WAITING
        self.scheduler.arrive(job)

    def _begin(self, job: Job) -> None:
        """Give a job what was read of its prompt before, or an empty state."""
        job.stage = Stage.READING
        if job.past is not None:
            job.state = job.past.state.copy()
            job.keep_at({len(job.ids)})
        elif job.state is None:
            found = self.cache.find(job.ids)
            job.state = self.session.new_state() if found.state is None else found.state.copy()
            job.read = job.cached = found.tokens
            job.keep_at({*job.boundaries, found.branch, len(job.ids)})
        if not job.unread:
            assert job.state.logits is not None
            self._begin_writing(job, job.state, job.state.logits[0])

    def _read(self, job: Job) -> None:
        """Read a chunk of a prompt; after the last one, choose the first token."""
        state = job.state
        assert state is not None
        count = min(self.scheduler.chunk(job), job.kept_next() - job.read)
        started = time.perf_counter()
        piece = job.ids[job.read : job.read + count]
        logits = self.session.step(np.array([piece], np.int64), state)
        job.read += count
        self.scheduler.has_read(count, time.perf_counter() - started)
        if job.read == job.kept_next():
            job.keep.pop(0)
            if self._is_cached(job):
                self.cache.keep(job.ids[: job.read], state.copy())
        if not job.unread:
            self._begin_writing(job, state, logits[0])

    def _begin_writing(self, job: Job, state: State, logits: np.ndarray) -> None:
        """Choose the first token, and take a row.  Jobs with the same prompt follow from here."""
        for other in job.forks:
            other.state = state
            other.read = other.cached = len(job.ids)
            self._release(other)
        job.forks = []
        self.scheduler.begin_writing(job)
        job.stage = Stage.WRITING
        if self._choose(job, logits):
            job.row = self._slots.join(state)
            self._rows.append(job)
        elif job.last is not None:
            self._keep_end(job, state.copy(), job.last)
        job.state = None

    def _write(self) -> None:
        """One token of every text."""
        started = time.perf_counter()
        logits = self._slots.step([job.token for job in self._rows])
        for job in self._rows:
            self._go_on(job, logits[job.row])
        over = [job for job in self._rows if job.stage is Stage.OVER]
        for job in over:  # all before a row moves: the logits are of the rows as they are
            if self._is_cached(job) and not job.failed:
                self.cache.keep([*job.ids, *job.written[:-1]], self._slots.take(job.row))
            if job.last is not None:
                self._keep_end(job, self._slots.take(job.row), job.last)
        for job in over:
            self._leave_row(job)
        self.scheduler.has_written(time.perf_counter() - started)

    def _go_on(self, job: Job, logits: np.ndarray) -> None:
        """Choose the next token of a text that is written.  A text that fails keeps its row until the step is over."""
        try:
            self._choose(job, logits)
        except Exception as error:  # such as logits of this row that are no numbers: the others go on
            job.stage = Stage.OVER
            job.failed = True
            self.scheduler.leave(job)
            self._give(job, error)

    def _choose(self, job: Job, logits: np.ndarray) -> bool:
        """Choose a token of a text and give it out.  Returns whether the text goes on."""
        piece = job.text.choose(logits)
        job.token = piece.token_id
        if self._is_cached(job) or job.keeps_end:
            job.written.append(piece.token_id)
        goes_on = piece.finish_reason is None
        if not goes_on:
            job.stage = Stage.OVER
            self.scheduler.leave(job)
        if goes_on or not job.keeps_end:
            self._give(job, piece)
        else:
            job.last = piece
        return goes_on

    def _keep_end(self, job: Job, state: State, last: Piece) -> None:
        """Let a state read the last token of a text that is to go on, and give its last piece out."""
        try:
            self.session.step(np.array([[job.token]], np.int64), state)
        except Exception as error:  # the others go on
            self._give(job, error)
            return
        ids = TokenIds() if job.past is None else job.past.ids[:]
        ids.extend(job.ids)
        ids.extend(job.written.tolist())
        job.end = Past(ids, state)
        self._give(job, last)

    def _is_cached(self, job: Job) -> bool:
        """Whether the prefix cache keeps states of a job.  It knows texts from their beginning only."""
        return bool(self.cache.budget_bytes) and job.past is None

    def _leave_row(self, job: Job) -> None:
        moved = self._slots.leave(job.row)
        last = self._rows.pop()
        assert last.row == moved
        if last is not job:
            last.row = job.row
            self._rows[job.row] = last
        job.row = -1

    def _release(self, job: Job) -> None:
        """Let a job that followed another go its own way."""
        job.follows = False
        if job.stage is Stage.NEW:
            self._arrive(job)

    def _end(self, job: Job, final: Piece | BaseException) -> None:
        """Let a job go before it came to its end."""
        if job.row >= 0:
            self._leave_row(job)
        job.state = None
        job.stage = Stage.OVER
        self.scheduler.leave(job)
        self._give(job, final)
        wanted = [other for other in job.forks if other.stage is not Stage.OVER]
        job.forks = []
        if wanted:  # another one reads the prompt for the rest
            first, *others = wanted
            first.forks = others
            self._release(first)

    def _guarded(self, jobs: list[Job], act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # whatever it is, whoever waits for these texts must hear of it
            for job in jobs:
                if job.stage is not Stage.OVER:
                    self._end(job, error)
        finally:
            self._announce()

    def _give(self, job: Job, news: Piece | BaseException) -> None:
        """Have a piece, or the error that ends a text, go out."""
        self._news.append((job, news))

    def _announce(self) -> None:
        """Let it go out."""
        for job, news in self._news:
            job.give(news)
        self._news.clear()
