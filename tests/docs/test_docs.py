"""What the documents promise: commands as their --help says, and code that runs."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")), *ROOT.glob("models/**/*.md")]


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
    assert {"rfa-run", "rfa-export", "rfa-bench latency"} <= set(wanted)
    sections = (ROOT / "docs" / "help.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == wanted
    for section in sections:
        assert "Example:" in section, section.splitlines()[0]


def test_python_in_the_readme_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split(",")) == 8
    assert (tmp_path / "mine.rfa" / "manifest.json").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_files_named_in_the_documents_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    for link in links:
        assert (page.parent / link).exists(), link
    for name in re.findall(r"models/(?:recipes|pretrained)/[\w.-]+", text):
        assert (ROOT / name).exists(), name


def test_six_lines_name_real_commands_and_options() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    lines = block.strip().splitlines()
    assert len(lines) == 6
    page = (ROOT / "docs" / "help.md").read_text(encoding="utf-8")
    for option in re.findall(r"\s(--[a-z-]+)", block):
        assert option in page, option
