"""What verification must know of a runtime: its name, whether it is here, and how it runs a graph."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Protocol

import numpy as np

Arrays = dict[str, np.ndarray]
"""By the name of a graph's input or output."""
Run = Callable[[Arrays], Arrays]
"""A loaded graph."""


class Runtime(Protocol):
    """A program that runs graphs."""

    @property
    def name(self) -> str:
        """For reports."""

    @property
    def steps(self) -> int:
        """Tokens that it takes one by one in a verification: fewer where it is slow."""

    def version(self) -> str | None:
        """Of what is installed; None where it is not."""

    def objection(self, folder: Path) -> str | None:
        """Why it cannot run what is in a bundle's folder; None where it can."""
        return None

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Read the graph of a role.  outputs: their names in order.  Raises whatever the runtime raises."""


def installed_version(package: str) -> str | None:
    """The version of a Python package, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
