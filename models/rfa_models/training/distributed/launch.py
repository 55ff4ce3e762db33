"""`rfa-train --processes N`: starts N processes of the same command on this machine, and ends when they have.

Process 0 speaks.  Ctrl-C and `kill` reach all of them.  When one is lost, the others cannot go on: they notice at
once, and who does not end by himself is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from types import FrameType

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from rfa_models.errors import LostProcessError
from rfa_models.training.distributed.world import GOES_ON, last_word
from rfa_models.training.stop_request import SAME_REQUEST

HOST = "127.0.0.1"
LOOK_EVERY = 0.1
"""Seconds."""
PATIENCE = 15.0
"""Seconds that processes get to end by themselves once one is lost: they are in the middle of a step."""


def launch_processes(command: Sequence[str], count: int) -> int:
    """Run a command in several processes that meet each other.  Returns the exit status of process 0.

    Raises LostProcessError where that process was ended by a signal: it could not say anything.
    """
    store = TCPStore(HOST, 0, is_master=True, wait_for_workers=False)  # takes a port that is free, and keeps it
    processes = []
    for rank in range(count):
        output = None if rank == 0 else subprocess.DEVNULL
        environment = os.environ | meeting_place(store.port, rank, count)
        processes.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output))
    Watch(processes).until_the_end()
    status = processes[0].returncode
    if status < 0:
        name = signal.Signals(-status).name
        raise LostProcessError(last_word(store) or f"process 0 was ended by {name}: {GOES_ON}")
    return status


class Watch:
    """Looks after processes until all have ended, and leaves none of them behind."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        self.processes = processes
        self.asked: float | None = None
        """When Ctrl-C or `kill` came first."""
        self.deadline: float | None = None
        """When those that are left are ended."""

    def until_the_end(self) -> None:
        """Wait, and hand signals on meanwhile."""
        before = {number: signal.signal(number, self.hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while any(process.poll() is None for process in self.processes):
                if any(process.returncode for process in self.processes):
                    self.give_some_seconds()
                if self.deadline is not None and time.monotonic() > self.deadline:
                    self.end_all()
                time.sleep(LOOK_EVERY)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.end_all()

    def hand_on(self, number: int, frame: FrameType | None) -> None:
        """The signal handler.  Who asks twice gets what he asks for, also from a process that hangs."""
        now = time.monotonic()
        if self.asked is None:
            self.asked = now
        elif now > self.asked + SAME_REQUEST:
            self.give_some_seconds()
        for process in self.processes:
            process.send_signal(number)

    def give_some_seconds(self) -> None:
        """Set the deadline, where there is none yet."""
        if self.deadline is None:
            self.deadline = time.monotonic() + PATIENCE

    def end_all(self) -> None:
        """End the processes that have not ended by themselves."""
        for process in self.processes:
            process.kill()


def meeting_place(port: int, rank: int, count: int) -> dict[str, str]:
    """What torch's `env://` reads, as torchrun sets it."""
    return {
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
    }
