"""Recipes with changed settings.

Sizes stay small where the recipe may be sound: it is then trained for two steps.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

import hypothesis
from case import Case
from hypothesis import strategies as st
from mutations import SPELLED_LATER, changed_table, scarred
from small_recipes import RECIPES

OUTPUT = ("-o", "model.pt", "--steps", "2", "--threads", "1", "--device", "cpu")
TEXT = b"To be, or not to be, that is the question.\n" * 40
LARGEST = 300
"""Of any number in a recipe: larger ones are sound and take long."""


@st.composite
def recipes(draw: st.DrawFn) -> Case:
    """A changed recipe, and a text that it may name.

    Where the number of rows to be made is lost, it is sound and takes minutes.
    """
    text = draw(st.sampled_from(sorted(RECIPES.values())))
    if draw(st.integers(0, 4)):
        data = toml_text(tamed(draw(changed_table(tomllib.loads(text))))).encode(errors="surrogatepass")
    else:
        data = draw(scarred(text.encode()))
    hypothesis.assume(b"count" in data or "count" not in text)
    return Case({"recipe.toml": data, "text.txt": TEXT}, "rfa-train", ("recipe.toml", *OUTPUT))


def tamed(table: Any, key: str = "") -> Any:
    """The same table without large sizes."""
    if isinstance(table, dict):
        return {name: tamed(value, name) for name, value in table.items()}
    if isinstance(table, list):
        return [tamed(value) for value in table]
    if type(table) is int and LARGEST < table < 1 << 21:
        return table % LARGEST
    return table


def toml_text(table: dict[str, Any]) -> str:
    """A table as TOML, as far as TOML has what it holds."""
    return "".join(f"{json.dumps(key)} = {toml_value(value)}\n" for key, value in table.items())


def toml_value(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        items = [f"{json.dumps(key)} = {toml_value(item)}" for key, item in value.items()]
        return "{ " + ", ".join(items) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str) and value in SPELLED_LATER:
        return {"@infinite@": "inf", "@nan@": "nan"}.get(value, SPELLED_LATER[value])
    return json.dumps(value)
