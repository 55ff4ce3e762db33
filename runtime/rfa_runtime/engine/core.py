"""The engine without threads: jobs come, turns are taken, pieces go out.

turn = admit -> a chunk of one prompt -> one token of every text
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from rfa_runtime.decoding.generation import Piece
from rfa_runtime.engine.job import CANCELLED, Job, Stage
from rfa_runtime.engine.scheduler import Pace, Scheduler
from rfa_runtime.engine.slots import slots_of
from rfa_runtime.session.step import StepSession


class Core:
    """Writes many texts at once.  One thread at a time may use it."""

    def __init__(self, session: StepSession, most: int, pace: Pace | None = None) -> None:
        """most: texts at once."""
        self.session = session
        self.scheduler = Scheduler(most, pace or Pace())
        self._slots = slots_of(session, most)
        self._rows: list[Job] = []
        """The jobs that are written, by their rows."""

    def hear(self, job: Job) -> None:
        """Take a new job on, or let one go that is not wanted any more."""
        if job.stage is Stage.NEW:
            job.stage = Stage.WAITING
            self.scheduler.arrive(job)
        if job.cancelled and job.stage is not Stage.OVER:
            self._end(job, Piece(job.token, "", CANCELLED))

    def end_all(self, error: BaseException) -> None:
        """Let all jobs go."""
        for job in self.scheduler.jobs():
            assert isinstance(job, Job)
            self._end(job, error)

    def turn(self) -> bool:
        """Take one turn.  Returns whether there is more to do.

        An error of the model ends the jobs that it concerns: they get it, and the others go on.
        """
        scheduler = self.scheduler
        for job in scheduler.admit():
            assert isinstance(job, Job)
            job.stage = Stage.READING
            job.state = self.session.new_state()
        reader = scheduler.reader()
        if isinstance(reader, Job):
            self._guarded([reader], lambda: self._read(reader))
        if self._rows:
            self._guarded(list(self._rows), self._write)
        return not scheduler.idle

    def _read(self, job: Job) -> None:
        """Read a chunk of a prompt; after the last one, choose the first token."""
        assert job.state is not None
        count = self.scheduler.chunk(job.unread)
        started = time.perf_counter()
        piece = job.ids[job.read : job.read + count]
        logits = self.session.step(np.array([piece], np.int64), job.state)
        job.read += count
        self.scheduler.has_read(count, time.perf_counter() - started)
        if job.unread:
            return
        self.scheduler.begin_writing(job)
        job.stage = Stage.WRITING
        if self._choose(job, logits[0]):
            job.row = self._slots.join(job.state)
            self._rows.append(job)
        job.state = None

    def _write(self) -> None:
        """One token of every text."""
        started = time.perf_counter()
        logits = self._slots.step([job.token for job in self._rows])
        over = []
        for job in self._rows:
            if not self._choose(job, logits[job.row]):
                over.append(job)
        for job in over:
            self._leave_row(job)
        self.scheduler.has_written(time.perf_counter() - started)

    def _choose(self, job: Job, logits: np.ndarray) -> bool:
        """Choose a token of a text and give it out.  Returns whether the text goes on."""
        piece = job.text.choose(logits)
        job.token = piece.token_id
        job.give(piece)
        if piece.finish_reason is None:
            return True
        job.stage = Stage.OVER
        self.scheduler.leave(job)
        return False

    def _leave_row(self, job: Job) -> None:
        moved = self._slots.leave(job.row)
        last = self._rows.pop()
        assert last.row == moved
        if last is not job:
            last.row = job.row
            self._rows[job.row] = last
        job.row = -1

    def _end(self, job: Job, final: Piece | BaseException) -> None:
        """Let a job go before it came to its end."""
        if job.row >= 0:
            self._leave_row(job)
        job.state = None
        job.stage = Stage.OVER
        self.scheduler.leave(job)
        job.give(final)

    def _guarded(self, jobs: list[Job], act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # whatever it is, whoever waits for these texts must hear of it
            for job in jobs:
                if job.stage is not Stage.OVER:
                    self._end(job, error)
