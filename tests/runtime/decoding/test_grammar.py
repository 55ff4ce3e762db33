"""Texts that keep to a form, whatever the model would rather say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from toy_bundles import END

from rfa_runtime import Bundle, Decoder, Engine, Grammar
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.errors import OptionError

pytest.importorskip("llguidance", reason="the extra grammar is not installed")
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "size": {"type": "integer", "minimum": 0, "maximum": 999},
        "kinds": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3},
    },
    "required": ["name", "size"],
    "additionalProperties": False,
}
CHANCE: dict[str, Any] = {"temperature": 3.0, "max_new_tokens": 400}


@pytest.fixture(params=[True, False], ids=["with an end token", "without"])
def decoder(request: pytest.FixtureRequest, toys: Callable[..., Bundle]) -> Decoder:
    ends = SpecialIds(bos=None, eos=END) if request.param else SpecialIds()
    return Decoder(toys(special_ids=ends), threads=1)


def test_json_keeps_to_its_schema(decoder: Decoder) -> None:
    grammar = Grammar.json_schema(SCHEMA)
    for seed in range(20):
        found = decoder.generate("x", grammar=grammar, seed=seed, **CHANCE)
        table = json.loads(found.text)
        assert found.finish_reason == "stop"
        assert set(table) <= {"name", "size", "kinds"}
        assert 0 <= table["size"] <= 999


def test_a_text_matches_its_expression(decoder: Decoder) -> None:
    for seed in range(10):
        found = decoder.generate("x", grammar=Grammar.regex(r"[ab]{2,4}-[0-9]{3}"), seed=seed, **CHANCE)
        assert re.fullmatch(r"[ab]{2,4}-[0-9]{3}", found.text)
        assert found.finish_reason == "stop"


def test_a_text_follows_its_rules_greedily_too(decoder: Decoder) -> None:
    found = decoder.generate("x", grammar=Grammar.lark('start: "yes" | "no"'), temperature=0.0)
    assert found.text in ("yes", "no")


def test_a_batch_and_the_engine_keep_to_it_as_well(decoder: Decoder) -> None:
    settings: dict[str, Any] = {"grammar": Grammar.regex("[0-9]{5}"), "temperature": 0.0}
    wanted = decoder.generate("x", **settings).text
    assert [row.text for row in decoder.generate_batch(["x", "x"], **settings)] == [wanted] * 2
    with Engine(decoder.bundle, threads=1) as engine:
        assert engine.submit("x", **settings).result().text == wanted


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        (Grammar.regex("["), "is no regex that can be read"),
        (Grammar.lark("start: nothing"), "is no lark that can be read"),
        (Grammar.json_schema("{"), "is no json_schema that can be read"),
        (Grammar.json_schema({"type": "nonsense"}), "is no json_schema that can be read"),
    ],
)
def test_what_cannot_be_read_is_refused(decoder: Decoder, grammar: Grammar, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        decoder.generate("x", grammar=grammar)


def test_dead_ends_are_said(decoder: Decoder) -> None:
    with pytest.raises(OptionError, match="keeps to it, but for an empty one"):
        decoder.generate("x", grammar=Grammar.json_schema({"$ref": "#"}))
    banned = decoder.encode("c")
    with pytest.raises(OptionError, match="no token is left to choose from"):
        decoder.generate("x", grammar=Grammar.regex("abc"), banned_tokens=banned)
    with pytest.raises(OptionError, match="grammar is 'abc', wanted a Grammar"):
        decoder.generate("x", grammar="abc")  # type: ignore[arg-type]


def test_odd_kinds_are_refused() -> None:
    with pytest.raises(OptionError, match="wanted one of json_schema, regex, lark"):
        Grammar("bnf", "x")  # type: ignore[arg-type]
