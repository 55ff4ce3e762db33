"""Tables to dataclasses: every mistake is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from rfa_models.errors import ConfigError
from rfa_models.tables import read_table
from rfa_runtime import SamplingConfig


@dataclass(frozen=True)
class Inner:
    depth: int = 1
    rate: float | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    colour: Literal["red", "blue"] = "red"
    open: bool = False
    files: tuple[str, ...] = ()
    rate: float = 0.5
    inner: Inner = field(default_factory=Inner)
    free: dict[str, Any] = field(default_factory=dict)


def test_every_kind_of_field_is_read() -> None:
    table = {
        "name": "a",
        "colour": "blue",
        "open": True,
        "files": ["x", "y"],
        "rate": 2,
        "inner": {"depth": 3, "rate": 0.25},
        "free": {"anything": [1]},
    }
    found = read_table(Outer, table, "outer")
    assert found == Outer("a", "blue", True, ("x", "y"), 2.0, Inner(3, 0.25), {"anything": [1]})
    assert isinstance(found.rate, float)


def test_what_is_left_out_takes_its_default() -> None:
    assert read_table(Outer, {"name": "a"}, "outer") == Outer("a")


def test_none_is_taken_where_the_type_allows_it() -> None:
    assert read_table(Inner, {"rate": None}, "inner").rate is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "a", "colur": "red"}, r"unknown key 'colur' in \[outer\]: did you mean 'colour'\?"),
        ({"name": "a", "qqq": 1}, r"unknown key 'qqq' in \[outer\]: known are name, colour, open"),
        ({"name": "a", "inner": {"dept": 1}}, r"unknown key 'dept' in \[outer.inner\]: did you mean 'depth'\?"),
        ({"name": "a", 3: 1}, r"unknown key 3 in \[outer\]"),
        ({}, r"\[outer\] has no 'name', which has no default: add it"),
        ([], r"\[outer\] is \[\], wanted a table"),
        (None, r"\[outer\] is None, wanted a table"),
    ],
)
def test_wrong_keys_are_named(table: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_table(Outer, table, "outer")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", 3, "outer.name is 3, wanted str"),
        ("name", None, "outer.name is None, wanted str"),
        ("colour", "green", "outer.colour is 'green', wanted one of red, blue"),
        ("colour", ["red"], r"outer.colour is \['red'\], wanted one of"),
        ("open", 1, "outer.open is 1, wanted bool"),
        ("open", "yes", "outer.open is 'yes', wanted bool"),
        ("files", "x", "outer.files is 'x', wanted a list"),
        ("files", ["x", 3], "outer.files is 3, wanted str"),
        ("rate", True, "outer.rate is True, wanted float"),
        ("rate", "fast", "outer.rate is 'fast', wanted float"),
        ("inner", 3, r"\[outer.inner\] is 3, wanted a table"),
        ("inner", {"depth": 1.5}, "outer.inner.depth is 1.5, wanted int"),
        ("inner", {"depth": True}, "outer.inner.depth is True, wanted int"),
        ("inner", {"rate": "x"}, "outer.inner.rate is 'x', wanted float"),
        ("free", [], r"outer.free is \[\], wanted dict"),
    ],
)
def test_values_of_the_wrong_type_are_named(key: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_table(Outer, {"name": "a"} | {key: value}, "outer")


def test_tables_and_lists_of_a_runtime_config_are_read() -> None:
    found = read_table(SamplingConfig, {"logit_bias": {"3": 1.5}, "banned_tokens": [1, 2]}, "sampling")
    assert found == SamplingConfig(logit_bias={3: 1.5}, banned_tokens=[1, 2])
