"""Figures of README.md and docs are those of the files that were measured."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pages import ROOT

from rfa_bench.suite.plan import FULL, parts_of
from rfa_bench.suite.results import command_of, read_result

MAKE_FIGURES = runpy.run_path(str(ROOT / "docs" / "make_figures.py"))


@pytest.mark.parametrize("page", MAKE_FIGURES["pages"](), ids=lambda page: page.name)
def test_figures_are_those_of_the_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert MAKE_FIGURES["filled"](text) == text, "run python docs/make_figures.py"


@pytest.mark.parametrize("file", sorted(MAKE_FIGURES["RESULTS"].glob("*.json")), ids=lambda file: file.stem)
def test_files_come_from_commands_of_the_suite(file: Path) -> None:
    found = read_result(file)
    assert found.rows
    wanted = {part.name: command_of(part) for part in parts_of(FULL, Path("models"), "llama-server")}
    assert found.command == wanted[found.name]


def test_a_mark_that_fits_no_row_is_refused() -> None:
    name = sorted(MAKE_FIGURES["RESULTS"].glob("*.json"))[0].stem
    with pytest.raises(KeyError, match="0 rows"):
        MAKE_FIGURES["filled"](f"<!-- figure: {name} avg_ts system=hal -->1<!-- end -->")
