"""The processes that train one model together: which of them this one is, and what they tell each other.

    with joined_world(device) as world:        every process that torchrun, or rfa-train --processes, has started
        world.share                            what this process does of a batch
        world.add_up([loss, tokens])           the same numbers come out in all processes
        world.any_of([stop])

Numbers travel by gloo, gradients on GPUs by NCCL.  A process that ends takes the others with it: they wait for what it
has to say, and its connections close.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from rfa_models.errors import ConfigError, LostProcessError, ModelError
from rfa_models.tasks.share import WHOLE, Share
from rfa_models.training.distributed.environment import is_joined, processes_on_machine

BACKEND = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
LAST_WORD = "rfa-train: last word"
"""Where in the store a process says why it ends."""
GOES_ON = "call the same command again, it goes on from the last resume point"
SIGNS = ("connection closed", "connection reset", "broken pipe", "timed out", "nccl", "gloo", "socket")
"""What torch's errors say, in any case of letters, when a process has gone."""


class Store(Protocol):
    """What all processes can read and write: torch's `Store`, as far as it is used here."""

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        """Write a value where the key has none, or the one expected."""

    def check(self, keys: list[str], /) -> bool:
        """Whether all of these keys have values."""

    def get(self, key: str, /) -> bytes:
        """A value."""


class World:
    """A process that trains by itself."""

    rank = 0
    """Number of this process, from 0.  Rank 0 writes the files and speaks to people."""
    size = 1
    """How many processes there are."""
    on_this_machine = 1
    """How many of them share this machine's cores."""

    @property
    def share(self) -> Share:
        """What this process does of a batch."""
        return WHOLE

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and speaks to people."""
        return self.rank == 0

    def add_up(self, figures: Sequence[float]) -> list[float]:
        """The sums over all processes."""
        return list(figures)

    def any_of(self, wishes: Sequence[bool]) -> list[bool]:
        """Whether some process has each wish."""
        return list(wishes)

    def add_up_tensor(self, rows: Tensor) -> Tensor:
        """The sum over all processes, on the CPU."""
        return rows

    def wait(self) -> None:
        """Wait until all processes are here."""

    def agree_on(self, what: str, value: str) -> None:
        """Raise ConfigError where processes have other values.  what: the name, for people."""


class JoinedWorld(World):
    """One process of several."""

    def __init__(self, store: Store, rank: int, size: int) -> None:
        self.store = store
        self.rank = rank
        self.size = size
        self.on_this_machine = processes_on_machine()

    @property
    def share(self) -> Share:
        return Share(self.rank, self.size)

    def add_up(self, figures: Sequence[float]) -> list[float]:
        sums = torch.tensor(figures, dtype=torch.float64)
        dist.all_reduce(sums)
        found: list[float] = sums.tolist()
        return found

    def any_of(self, wishes: Sequence[bool]) -> list[bool]:
        return [number > 0 for number in self.add_up(wishes)]

    def add_up_tensor(self, rows: Tensor) -> Tensor:
        sums = rows.detach().cpu().clone()
        dist.all_reduce(sums)
        return sums

    def wait(self) -> None:
        self.add_up([])

    def agree_on(self, what: str, value: str) -> None:
        found: list[str] = [""] * self.size
        dist.all_gather_object(found, value)
        for rank, other in enumerate(found):
            if other != found[0]:
                raise ConfigError(
                    f"process {rank} has another {what} than process 0: give all processes the same recipe and files, "
                    "in a folder that all of them see"
                )


@contextmanager
def joined_world(device: torch.device) -> Iterator[World]:
    """The processes that were started together, met for the block; a process by itself where there are no others.

    Raises LostProcessError where one of the others ends before the block does.
    """
    if not is_joined():
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    store, rank, size = next(rendezvous("env://"))
    with lost_processes(store, rank):
        dist.init_process_group(BACKEND[device.type], store=store, rank=rank, world_size=size)
        yield JoinedWorld(store, rank, size)
        # gloo's threads give back the tensors of the last exchange, and need Python's lock for that.  They get it while
        # this thread waits here; where it destroys the group at once, it waits for them with the lock in its hand.
        dist.barrier()
        dist.destroy_process_group()


@contextmanager
def lost_processes(store: Store, rank: int) -> Iterator[None]:
    """Leave a word for the others where this process fails, and say theirs where they have gone.

    Process 0 raises its own error; the others raise LostProcessError, so that one alone speaks.
    """
    try:
        yield
    except (ModelError, OSError) as error:
        leave_word(store, f"process {rank}: {error}")
        if rank == 0:
            raise
        raise LostProcessError("process 0 says why") from error
    except RuntimeError as error:
        if not says_lost(error):
            raise
        raise LostProcessError(last_word(store) or f"another process was lost: {GOES_ON}") from error


def says_lost(error: RuntimeError) -> bool:
    """Whether an error of torch comes from a process that has gone."""
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(sign in text for sign in SIGNS)


def leave_word(store: Store, word: str) -> None:
    """Say why this process ends, unless another one has ended before."""
    try:
        store.compare_set(LAST_WORD, "", word)
    except RuntimeError:  # the store has gone with its process
        return


def last_word(store: Store) -> str:
    """What the first process that failed has said; nothing where it was ended from outside."""
    try:
        return store.get(LAST_WORD).decode() if store.check([LAST_WORD]) else ""
    except RuntimeError:  # the store has gone with its process
        return ""
