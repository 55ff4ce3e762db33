"""The code on README.md and four pages of docs runs as it stands there, one block after the other.

docs/targets.md, docs/recipes.md and docs/trouble.md have tests of their own.  Training is cut to a few steps here.
"""

from __future__ import annotations

import os
import pydoc_data.topics
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, blocks

from rfa_runtime.commands.run import SHIPPED

RUN_HERE = ("README.md", "start.md", "python.md", "streams.md")
RUN_ELSEWHERE = ("targets.md", "recipes.md", "trouble.md", "serve.md")
INSTALLS = ("make install && . .venv/bin/activate", "pip install './runtime[cpu]'", "pip install './runtime[grammar]'")
"""Whoever runs the tests has done this."""
FEW_STEPS = " --steps 20"
MORE_STEPS = "--steps 24"
"""Where the page has steps of its own, to train a model further."""
STEPS = re.compile(r"--steps \d+")
NUMBER = re.compile(r"\d[\d,.]*")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with the repository's models and a text of one's own."""
    (tmp_path / "models").symlink_to(ROOT / "models")
    (tmp_path / "model.pt").symlink_to(ROOT / "models" / "pretrained" / "shakespeare.pt")
    (tmp_path / "model.rfa").symlink_to(SHIPPED)
    topics = "\n".join(pydoc_data.topics.topics.values())
    (tmp_path / "text.txt").write_text(topics[:200_000], encoding="utf-8")
    (tmp_path / "other.txt").write_text(topics[200_000:300_000], encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", RUN_HERE)
def test_code_runs_in_its_order(name: str, folder: Path) -> None:
    (page,) = [page for page in PAGES if page.name == name and page.parent in (ROOT, ROOT / "docs")]
    for block in blocks(page):
        if block.language == "toml":
            (folder / "mine.toml").write_text(block.text, encoding="utf-8")
        elif block.language == "json":
            (folder / "person.json").write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            run([sys.executable, "-c", block.text], folder)
        elif block.language == "sh":
            for line in block.text.strip().splitlines():
                run_line(line, folder)
        elif block.language == "console":
            check_console(block, folder)


def test_every_other_page_with_code_has_a_test() -> None:
    for page in PAGES:
        languages = {block.language for block in blocks(page)}
        if languages & {"python", "sh", "console"}:
            assert page.name in (*RUN_HERE, *RUN_ELSEWHERE), page


def run_line(line: str, folder: Path) -> subprocess.CompletedProcess[str] | None:
    """Run one line of a shell; an installation is left out."""
    if line in INSTALLS:
        return None
    if STEPS.search(line):
        line = STEPS.sub(MORE_STEPS, line)
    elif line.startswith("rfa-train"):
        line += FEW_STEPS
    return run(["sh", "-c", line], folder)


def check_console(block: Block, folder: Path) -> None:
    """Run the line behind `$` and compare: all but the numbers; what stands behind `...` is left out."""
    first, *shown = block.text.strip().splitlines()
    line = first.removeprefix("$ ")
    if line.startswith("rfa-train"):
        line += FEW_STEPS
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment(), capture_output=True, text=True)
    said = NUMBER.sub("N", done.stdout + done.stderr)
    for words in shown:
        assert NUMBER.sub("N", words.split("...")[0].rstrip()) in said, said


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command[-1]}\n{done.stderr}"
    return done


def environment() -> dict[str, str]:
    """The commands of this Python come first."""
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {"PATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
