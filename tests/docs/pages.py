"""The pages that people read, and the blocks of code on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("models/**/*.md")),
    *sorted(ROOT.glob("examples/*.md")),
]
GENERATED = {"help.md", "recipes.md", "python.md"}
"""Pages that a program writes from the code."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^    (rfa-\w+ .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str
    before: str
    """The page up to the block."""


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Block(found[1], found[2], text[: found.start()])


def command_lines(page: Path) -> Iterator[str]:
    """Every line of a page that calls a command of ours, in blocks of both kinds."""
    for block in blocks(page):
        if block.language in ("sh", "console"):
            for line in block.text.splitlines():
                if line.removeprefix("$ ").startswith("rfa-"):
                    yield line.removeprefix("$ ")
    yield from INDENTED.findall(page.read_text(encoding="utf-8"))
