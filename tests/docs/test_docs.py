"""What the pages promise: commands as their --help says, links that lead somewhere, code that runs."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from pages import GENERATED, PAGES, ROOT, blocks, command_lines

"""Pages that a script writes; each has a test that compares it with the code."""
LANGUAGES_THAT_RUN = {"python", "sh", "toml", "console", "", "json"}
MARK = "not run by our tests"
MOST_WORDS = 450

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@pytest.fixture(scope="module")
def make_help() -> dict[str, Any]:
    """The names of docs/make_help.py."""
    return runpy.run_path(str(ROOT / "docs" / "make_help.py"))


def test_help_page_is_what_the_commands_say(make_help: dict[str, Any]) -> None:
    assert (ROOT / "docs" / "help.md").read_text(encoding="utf-8") == make_help["help_page"](), (
        "run: python docs/make_help.py"
    )


def test_every_command_has_a_section_with_an_example(make_help: dict[str, Any]) -> None:
    wanted = []
    for name, command in make_help["commands"]().items():
        wanted.append(name)
        wanted += [f"{name} {child}" for child in sorted(getattr(command, "commands", ()))]
    assert {"rfa-run", "rfa-export", "rfa-bench decode"} <= set(wanted)
    sections = (ROOT / "docs" / "help.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == wanted
    for section in sections:
        assert "Example:" in section, section.splitlines()[0]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_WORDS


@pages
def test_links_and_files_named_in_the_documents_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    for link in links:
        assert (page.parent / link).exists(), link
    for name in re.findall(r"models/(?:recipes|pretrained)/[\w.-]+", text):
        assert (ROOT / name).exists(), name


@pages
def test_lines_that_call_a_command_have_only_options_of_that_command(page: Path, make_help: dict[str, Any]) -> None:
    commands = make_help["commands"]()
    for line in command_lines(page):
        words = shlex.split(line.split(" # ")[0].split(" && ")[0].split(" | ")[0], comments=True)
        command: click.Command = commands[words.pop(0)]
        if isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        context = click.Context(command, resilient_parsing=True)
        command.make_parser(context).parse_args(words)


def test_an_option_that_the_command_does_not_have_would_be_found(make_help: dict[str, Any]) -> None:
    command = make_help["commands"]()["rfa-run"]
    with pytest.raises(click.NoSuchOption):
        command.make_parser(click.Context(command)).parse_args(["model.rfa", "--precision", "int4"])


@pages
def test_code_in_languages_that_no_test_runs_says_so(page: Path) -> None:
    for block in blocks(page):
        if page.name not in GENERATED and block.language not in LANGUAGES_THAT_RUN:
            last_words = block.before.rstrip().splitlines()[-1]
            assert MARK in last_words, f"{page.name}: {block.text[:60]}"
