"""What torchrun, or `launch`, tells a process about itself.  Standard library alone."""

from __future__ import annotations

import os


def number_of_processes() -> int:
    """How many processes train together; 1 where nobody has said so."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_joined() -> bool:
    """Whether this process is one of several."""
    return number_of_processes() > 1


def leads() -> bool:
    """Whether this process writes the files and speaks to people."""
    return os.environ.get("RANK", "0") == "0"


def number_on_machine() -> int:
    """The number of this process among those of its machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", 0))


def processes_on_machine() -> int:
    """How many of the processes share this machine's cores."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", number_of_processes()))
