"""docs/python.md is what the packages say of themselves."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_what_the_code_says() -> None:
    page = runpy.run_path(str(DOCS / "make_python.py"))["python_page"]()
    assert (DOCS / "python.md").read_text(encoding="utf-8") == page, "run: python docs/make_python.py"


def test_every_public_name_says_what_it_is_for() -> None:
    entries = (DOCS / "python.md").read_text(encoding="utf-8").split("\n### ")[1:]
    assert len(entries) > 60
    for entry in entries:
        name, _, rest = entry.partition("\n")
        after_code = rest.rpartition("```")[2].strip() or rest.partition("```\n\n")[2].strip()
        assert after_code or rest.strip().startswith("A constant"), name
