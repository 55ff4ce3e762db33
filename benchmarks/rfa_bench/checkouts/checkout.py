"""A checkout of this project: where it lies, what its code is, and how a program runs with it."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

PLACES = (".", "models", "runtime", "benchmarks")
"""Folders of a checkout that hold packages."""
EXPORTING = (
    "rfa_export",
    "models/rfa_models",
    "runtime/rfa_runtime/bundle",
    "benchmarks/rfa_bench/subjects",
)
"""Folders whose code decides what a bundle holds."""
PROGRAMS = Path(__file__).parent
SHORT = 12
"""Characters of a fingerprint: enough to tell some checkouts apart."""


class CheckoutError(OSError):
    """A folder is no checkout, or a program did not run with its code."""


@dataclass(frozen=True)
class Checkout:
    """Raises CheckoutError for a folder that holds another thing."""

    path: Path

    def __post_init__(self) -> None:
        for folder in EXPORTING:
            if not (self.path / folder).is_dir():
                raise CheckoutError(f"{self.path} has no {folder}, wanted a checkout of this project")

    def command(self, program: str, *arguments: object) -> list[str]:
        """The command line of a program of this folder, which then runs with the checkout's code.

        It is named by its file: the checkout may not have it.  Its own folder is no place for modules (-P).
        """
        return [sys.executable, "-P", str(PROGRAMS / f"{program}.py"), *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        """What lets Python take this checkout's packages before those that are installed."""
        folders = [str(self.path.resolve() / place) for place in PLACES]
        return {"PYTHONPATH": os.pathsep.join(folders)}

    def check_origin(self, file: str) -> None:
        """Raise CheckoutError where a program took a package from elsewhere.  file: of the package."""
        if not Path(file).resolve().is_relative_to(self.path.resolve()):
            raise CheckoutError(f"a program ran with {file}, wanted the code of {self.path}")

    @property
    def fingerprint(self) -> str:
        """Of all code that decides what a bundle holds: bundles that were kept are used again while it stays."""
        found = hashlib.sha256()
        for folder in EXPORTING:
            for file in sorted((self.path / folder).rglob("*.py")):
                found.update(file.relative_to(self.path).as_posix().encode())
                found.update(file.read_bytes())
        return found.hexdigest()[:SHORT]
