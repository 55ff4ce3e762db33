"""Who comes next: pure arithmetic, without a session and without a clock of its own.

A turn of the engine is a part of one prompt, if it is time for one, and then one token of every text that is being
written.  The prompt with the least left to read comes first, so that a short one does not wait for a long one.  But who
has waited comes forward, and one chunk in LONGEST_WAITING is of the prompt that has waited longest, so that a very long
one comes to its end, too:

    urgent first = least (seconds that are left to read - FORWARD * seconds of waiting)

Who reads a text should not notice that others come.  So while texts are being written a chunk is no longer than
`longest_pause`, and after a chunk they are written for as long as `share` says:

    time for prompts / time for all <= share       from one chunk to the next

Nor should the 95th percentile of the time from token to token grow by half, where a prompt comes now and then.  So a
chunk is either short, at most SHORT of a step, or rare: then RARE steps follow.  A large model likes short ones, a
small model rare ones: of all sizes the one is taken that reads most tokens a second.

Where many prompts come, places stand empty while they are read, or somebody waits for a place, and that costs all more
than a pause: from more than FEW of the texts on, only `longest_pause` and `share` count.  Where no text is written,
chunks are as long as the session likes best.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rfa_runtime.engine.timings import LARGEST_CHUNK, SIZES, Timings
from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting

SHORT = 0.4
"""Of a step: a pause that leaves the 95th percentile below 1.5 times its own."""
RARE = 32
"""Steps after a longer pause: well under one in twenty has one."""
FEW = 0.25
"""Prompts that are read or wait, for each text that is written."""
FORWARD = 0.08
"""Seconds of reading that a second of waiting makes up for."""
LONGEST_WAITING = 8
"""One chunk in so many is of the prompt that came first."""


@dataclass(frozen=True)
class Pace:
    """How prompts and texts share the time."""

    longest_pause: float = 0.1
    """Seconds that a chunk may take while texts are being written."""
    share: float = 0.8
    """Of the time, for prompts, while texts are being written; 1 reads all prompts first."""

    def __post_init__(self) -> None:
        """Raise OptionError for what would let somebody wait for ever."""
        if not self.longest_pause > 0:
            raise OptionError(Setting("longest_pause"), f" is {self.longest_pause!r}, wanted seconds above 0")
        if not 0 < self.share <= 1:
            raise OptionError(Setting("share"), f" is {self.share!r}, wanted a number above 0 and up to 1")


PROMPTS_FIRST = Pace(longest_pause=math.inf, share=1.0)
"""The least work for a batch whose texts nobody reads before all are finished."""


Name = TypeVar("Name")
"""Whatever the caller calls a job."""


class Scheduler(Generic[Name]):
    """The order of turns.  It knows jobs by any name, and of each only how much of its prompt is unread."""

    def __init__(self, most: int, pace: Pace, unread: Callable[[Name], int]) -> None:
        """most: texts at once, those whose prompts are being read included.  unread: tokens left of a job's prompt."""
        self.most = most
        self.pace = pace
        self.unread = unread
        self.timings = Timings()
        self._waiting = deque[Name]()
        self._reading = deque[Name]()
        self._writing = set[Name]()
        self._owed = 0.0
        """Seconds that texts are to be written before the next chunk."""
        self._clock = 0.0
        """Seconds of all chunks and steps so far."""
        self._came: dict[Name, float] = {}
        """When each job that waits or is read came, by this clock."""

    def arrive(self, job: Name) -> None:
        """A job comes."""
        self._waiting.append(job)
        self._came[job] = self._clock

    def admit(self) -> Iterable[Name]:
        """Yield the jobs that may begin now, in the order in which they came."""
        while self._waiting and len(self._reading) + len(self._writing) < self.most:
            job = self._waiting.popleft()
            self._reading.append(job)
            yield job

    def reader(self) -> Name | None:
        """The job whose prompt is to be read now; None where texts are written first."""
        if not self._reading or (self._writing and self._owed > 0.0):
            return None
        if self.timings.count % LONGEST_WAITING == 0:
            return self._reading[0]
        token = self.timings.token
        return min(self._reading, key=lambda job: self.unread(job) * token - FORWARD * (self._clock - self._came[job]))

    def chunk(self, job: Name) -> int:
        """How many tokens of a job's prompt are read in one go."""
        unread = self.unread(job)
        if not self._writing or self.pace.share >= 1.0:
            return min(unread, LARGEST_CHUNK)
        fitting = [size for size in SIZES if self.timings.expected(size) <= self.pace.longest_pause]
        return min(unread, max(fitting, key=self._tokens_per_s, default=SIZES[0]))

    def _tokens_per_s(self, size: int) -> float:
        """How fast a prompt would be read in chunks of this size."""
        seconds = self.timings.expected(size)
        return size / (seconds + max(self._wait_after(seconds), self.timings.step))

    @property
    def _few_prompts(self) -> bool:
        """Whether who writes should not notice who reads."""
        return self.pace.share < 1.0 and len(self._waiting) + len(self._reading) <= max(1.0, FEW * len(self._writing))

    def _wait_after(self, seconds: float) -> float:
        """For how long texts are written after a chunk that took so long."""
        by_share = seconds * (1.0 - self.pace.share) / self.pace.share
        if not self._few_prompts or seconds <= SHORT * self.timings.step:
            return by_share
        return max(by_share, RARE * self.timings.step)

    @property
    def writes(self) -> bool:
        """Whether texts go on in this turn."""
        return bool(self._writing) and (self.pace.share < 1.0 or not self._reading)

    def has_read(self, tokens: int, seconds: float) -> None:
        """A chunk was read: the next one comes when the texts have had their time."""
        self.timings.note_chunk(tokens, seconds)
        self._clock += seconds
        self._owed = self._wait_after(seconds)

    def has_written(self, seconds: float) -> None:
        """All texts went on by a token."""
        self.timings.note_step(seconds)
        self._clock += seconds
        self._owed -= seconds

    def begin_writing(self, job: Name) -> None:
        """The prompt of a job is read."""
        self._reading.remove(job)
        self._came.pop(job, None)
        self._writing.add(job)

    def leave(self, job: Name) -> None:
        """A job is over, wherever it was."""
        self._writing.discard(job)
        self._came.pop(job, None)
        for queue in (self._waiting, self._reading):
            if job in queue:
                queue.remove(job)

    def jobs(self) -> list[Name]:
        """All jobs that are not over."""
        return [*self._waiting, *self._reading, *self._writing]

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._waiting or self._reading or self._writing)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Jobs that wait, whose prompts are read, and that are written."""
        return len(self._waiting), len(self._reading), len(self._writing)
