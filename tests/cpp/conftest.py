"""The C++ runtime, where `make cpp` has built it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cpp_probe import Probe

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "cpp"
SANITIZED = ROOT / "build" / "cpp-sanitized"
RUN = "rfa-run-cpp"
PROBE = "rfa-probe"


def built(folder: Path, name: str) -> Path:
    """A program; without it the test is skipped."""
    program = folder / name
    if not program.exists():
        pytest.skip(f"{program.relative_to(ROOT)} is not built: make cpp")
    return program


@pytest.fixture(scope="session")
def run_cpp() -> Path:
    """The command."""
    return built(BUILD, RUN)


@pytest.fixture
def probe() -> Iterator[Probe]:
    """A probe."""
    found = Probe(built(BUILD, PROBE))
    yield found
    found.end()


@pytest.fixture
def sanitized() -> Iterator[Probe]:
    """A probe that stops at errors of memory and undefined behaviour."""
    found = Probe(built(SANITIZED, PROBE))
    yield found
    found.end()
