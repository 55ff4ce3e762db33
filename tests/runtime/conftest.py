"""What the tests of rfa_runtime share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toy_bundles import END, toy_files, toy_manifest

from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.session.step import StepSession


@pytest.fixture(params=["rfa", "softmax"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Write a toy bundle once per test session; keywords replace parts of its manifest."""
    made: dict[str, Bundle] = {}

    def toy(kind: str = "rfa", **changes: Any) -> Bundle:
        key = f"{kind} {sorted(changes.items())}"
        if key not in made:
            path = tmp_path_factory.mktemp("toy") / "toy.rfa"
            write_bundle(path, toy_manifest(kind, **changes), toy_files(kind))
            made[key] = read_bundle(path)
        return made[key]

    return toy


@pytest.fixture
def toy(toys: Callable[..., Bundle]) -> Bundle:
    return toys()


@pytest.fixture
def session(toys: Callable[..., Bundle], kind: str) -> StepSession:
    return StepSession(toys(kind), threads=1)


@pytest.fixture
def ending_toy(toys: Callable[..., Bundle]) -> Bundle:
    return toys(special_ids=SpecialIds(bos=None, eos=END))


@pytest.fixture
def copy_of_toy(tmp_path: Path) -> Path:
    """A bundle that a test may damage."""
    path = tmp_path / "toy.rfa"
    write_bundle(path, toy_manifest(), toy_files())
    return path
