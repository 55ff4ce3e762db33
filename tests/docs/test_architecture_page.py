"""docs/architecture.md names files and rooms that exist, and all rooms that exist."""

from __future__ import annotations

import re

import pytest
from pages import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PLACES = {
    "runtime": ROOT / "runtime" / "rfa_runtime",
    "models": ROOT / "models" / "rfa_models",
    "export": ROOT / "rfa_export",
    "bench": ROOT / "benchmarks" / "rfa_bench",
}
CODE = re.compile(r"`([\w./]+\.py)`")


def section(title: str) -> str:
    """The text below a title."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "package"), [("The life of a token", "runtime"), ("The life of a checkpoint", "export")]
)
def test_a_life_has_eight_steps_and_each_names_a_file(title: str, package: str) -> None:
    steps = re.split(r"\n\d\. ", section(title))[1:]
    assert len(steps) == 8
    for step in steps:
        files = CODE.findall(step)
        assert files, step
        for file in files:
            assert (PLACES[package] / file).exists() or (ROOT / file).exists(), file


def test_every_file_that_is_named_exists() -> None:
    for file in CODE.findall(PAGE):
        places = [ROOT, *PLACES.values()]
        assert any((place / file).exists() for place in places), file


@pytest.mark.parametrize("package", PLACES)
def test_every_room_has_a_line(package: str) -> None:
    folder = PLACES[package]
    title = folder.relative_to(ROOT).as_posix()
    table = section("The rooms").partition(f"**{title}**")[2].partition("**")[0]
    named = set(re.findall(r"^\| `(\w+)/` ", table, re.MULTILINE))
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert rooms <= named, rooms - named
    assert all((folder / name).is_dir() for name in named)
