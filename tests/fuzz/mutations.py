"""Changes to what is sound: to tables of plain values, to their text, and to bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Place = tuple[Any, Any]
"""A list or an object, and the index or the key of something in it."""

SPELLED_LATER = {
    "@digits@": "1" * 5000,
    "@deep@": "[" * 100_000 + "]" * 100_000,
    "@deep objects@": '{"a":' * 5000 + "1" + "}" * 5000,
    "@nested@": '{"a":' * 400 + "1" + "}" * 400,
    "@infinite@": "1e999",
    "@nan@": "NaN",
    "@surrogate@": '"\\ud800"',
}
"""What json.dumps does not write, as JSON."""
JUNK = [
    *(None, True, False, 0, 1, -1, 2, 3, 255, 256, 257, 2**24, 2**31, 2**31 - 1, 2**32, 2**53, 2**63, 2**64, 10**30),
    *(int("1" * 4000), 0.0, -0.0, 0.5, 1.5, 1e-320, 1e308, -1e308),
    *("", "a", "batch", "capacity", "source", "ort", "\x00", "\n", "\ufeff", "\U0001f600", "..", "/", "manifest.json"),
    *("x" * 2000, [], [[]], {}, {"": {}}, [None], *SPELLED_LATER),
]
junk = st.sampled_from(JUNK).map(copy.deepcopy)
LONGEST = 300
"""Of a list or a text that is made many times as long."""
CHANGES = ("replace", "remove", "add", "nudge", "copy", "repeat")
NUMBERS = [b"\x00" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00", b"\xff" * 8]
SCARS = ("flip", "number", "cut", "remove", "repeat", "insert")


@st.composite
def changed_table(draw: st.DrawFn, table: Any) -> Any:
    """A table with one to three changes somewhere in it."""
    changed = copy.deepcopy(table)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        found = list(places(changed))
        if found:
            change(draw, found)
    return changed


def change(draw: st.DrawFn, found: list[Place]) -> None:
    """Make one change at one of some places."""
    holder, key = found[draw(st.integers(0, len(found) - 1))]
    kind = draw(st.sampled_from(CHANGES))
    value = holder[key]
    if kind == "remove":
        del holder[key]
    elif kind == "add" and isinstance(holder, dict):
        holder[draw(st.sampled_from(["", "extra", "\x00", "file", "a" * 300, "../x"]))] = draw(junk)
    elif kind == "nudge" and type(value) in (int, float):
        holder[key] = draw(
            st.sampled_from([value + 1, value - 1, value * 2, -value, value * 1000, float(min(value, 1e300))])
        )
    elif kind == "copy":
        other, name = found[draw(st.integers(0, len(found) - 1))]
        holder[key] = copy.deepcopy(other[name])
    elif kind == "repeat" and isinstance(value, list | str) and len(value) <= LONGEST:
        holder[key] = value * draw(st.sampled_from([0, 2, 100]))
    else:
        holder[key] = draw(junk)


def places(document: Any) -> Iterator[Place]:
    """Every place of a document, from the top down."""
    keys: list[Any] = []
    if isinstance(document, dict):
        keys = list(document)
    elif isinstance(document, list):
        keys = list(range(len(document)))
    for key in keys:
        yield document, key
        yield from places(document[key])


def json_bytes(table: Any) -> bytes:
    """A table as JSON, with what json.dumps does not write."""
    text = json.dumps(table)
    for word, spelled in SPELLED_LATER.items():
        text = text.replace(json.dumps(word), spelled)
    return text.encode()


@st.composite
def changed_json(draw: st.DrawFn, table: Any) -> bytes:
    """A document with changes in it, now and then with damaged bytes too."""
    data = json_bytes(draw(changed_table(table)))
    encoding = draw(st.sampled_from(["utf-8"] * 20 + ["utf-8-sig", "utf-16", "utf-32"]))
    data = data.decode().encode(encoding)
    return draw(scarred(data)) if draw(st.integers(0, 9)) == 9 else data


@st.composite
def scarred(draw: st.DrawFn, data: bytes, most: int = 4) -> bytes:
    """Bytes with one to a few scars."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, most))):
        scar(draw, changed)
    return bytes(changed)


def scar(draw: st.DrawFn, data: bytearray) -> None:
    """Change bytes somewhere; near both ends more often, where headers and directories are."""
    size = len(data)
    near = min(size, 512)
    start = draw(st.one_of(st.integers(0, size), st.integers(0, near), st.integers(size - near, size)))
    length = draw(st.integers(1, 64))
    kind = draw(st.sampled_from(SCARS))
    if kind == "flip" and start < size:
        data[start] ^= 1 << draw(st.integers(0, 7))
    elif kind == "number":
        number = draw(st.sampled_from(NUMBERS))
        data[start : start + len(number)] = number
    elif kind == "cut":
        del data[start:]
    elif kind == "remove":
        del data[start : start + length]
    elif kind == "repeat":
        data[start:start] = data[start : start + length]
    else:
        data[start:start] = draw(st.binary(max_size=16))
