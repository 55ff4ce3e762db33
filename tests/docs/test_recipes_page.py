"""docs/recipes.md is what the code says today, and its examples are recipes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from rfa_models import read_recipe

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_recipes", DOCS / "make_recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_dataclasses_say(maker: ModuleType) -> None:
    """Else run `python docs/make_recipes.py`."""
    assert (DOCS / "recipes.md").read_text(encoding="utf-8") == maker.recipes_page()


def test_the_examples_are_recipes_of_their_tasks(tmp_path: Path) -> None:
    text = (DOCS / "recipes.md").read_text(encoding="utf-8")
    tasks = []
    for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        file = tmp_path / "recipe.toml"
        file.write_text(example, encoding="utf-8")
        tasks.append(read_recipe(file).task)
    assert tasks == ["language-model", "translation", "classification"]
