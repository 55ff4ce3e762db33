"""Figures of README.md and docs are those of the files that were measured."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from pages import GENERATED, ROOT

from rfa_bench.suite.plan import FULL, parts_of
from rfa_bench.suite.results import command_of, read_result

MAKE_FIGURES = runpy.run_path(str(ROOT / "docs" / "make_figures.py"))
PAGES = list(MAKE_FIGURES["pages"]())
RESULTS = sorted(MAKE_FIGURES["RESULTS"].glob("*.json"))
RECORDS = sorted(MAKE_FIGURES["RECORDS"].glob("*.json"))
NOT_MEASURED_HERE = (
    r"<!-- (figures|rows|command): .*?<!-- end of \1 -->",
    r"<!-- computed: .*?<!-- end of computed -->",
    r"<!-- (?:figure|fact|machine): .*?<!-- end -->",
    r"```.*?```",
    r"(?m:^    [^\n]*$)",
    r"`[^`\n]*`",
)
"""What is filled in, compared above, and what is code."""
UNITS = r"(?:%|\s?(?:ms|us|s|kB|MB|GB|tokens/s|times|seconds|microseconds|minutes|hours)\b)"
MEASURED = re.compile(rf"(?<![\w.])\d[\d.,]*{UNITS}")
SETTINGS = {
    "models/pretrained/README.md": {"0.6 MB": "the size of a file", "90%": "how a text was split"},
    "docs/results.md": {"1.9 times": "the paper's", "12 times": "the paper's"},
    "docs/serve.md": {"30 seconds": "how long the server waits for texts that have begun"},
    "docs/start.md": {"92 kB": "follows from the shape of the storyteller"},
    "docs/streams.md": {"100 ms": "a default of Pace", "80%": "a default of Pace"},
    "docs/targets.md": {"2 GB": "a limit of the format", "5%": "a limit of the exporter"},
    "docs/trouble.md": {"8 MB": "where rfa-run takes more threads"},
}
"""By page, numbers with a unit that nobody measured, and what they are."""


def name_of(page: Path) -> str:
    """Where a page lies."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_figures_are_those_of_the_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert MAKE_FIGURES["filled"](text) == text, "run python docs/make_figures.py"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_figure_stands_by_itself(page: Path) -> None:
    if page.name in GENERATED:
        return
    text = page.read_text(encoding="utf-8")
    for zone in NOT_MEASURED_HERE:
        text = re.sub(zone, "", text, flags=re.DOTALL)
    assert set(MEASURED.findall(text)) == set(SETTINGS.get(name_of(page), {}))


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_results_come_from_commands_of_the_suite(file: Path) -> None:
    found = read_result(file)
    assert found.rows
    wanted = {part.name: command_of(part) for part in parts_of(FULL, Path("models"), "llama-server")}
    assert found.command == wanted[found.name]


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.stem)
def test_records_say_how_they_were_made(file: Path) -> None:
    found = read_result(file)
    assert found.rows
    assert found.command.startswith(("rfa-", "trials by hand", "RFA_NEAR_TIES="))


def test_every_part_of_the_suite_is_there() -> None:
    assert {file.stem for file in RESULTS} == {part.name.replace(" ", "-") for part in parts_of(FULL, Path(), None)}


@pytest.mark.parametrize("words", ["where system=hal", "where context=-1"])
def test_a_mark_that_fits_no_row_is_refused(words: str) -> None:
    with pytest.raises(KeyError, match="0 rows"):
        MAKE_FIGURES["filled"](f"<!-- figure: decode-int4 avg_ts {words} -->1<!-- end -->")


def test_a_mark_of_something_that_was_never_measured_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match="nothing was measured of the name 'hal'"):
        MAKE_FIGURES["filled"]("<!-- fact: hal speed -->1<!-- end -->")
