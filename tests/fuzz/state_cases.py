"""Calls of a session and its states with numbers of all sizes."""

from __future__ import annotations

import json

from bundle_cases import BUNDLE, BUNDLES
from case import Case
from hypothesis import strategies as st

numbers = st.sampled_from([0, 1, 2, 3, -1, 7, 255, 256, 257, 2**31, 2**40, 2**63, 2**64, 10**30])
rows = st.lists(numbers, max_size=3)
calls = st.one_of(
    st.tuples(st.just("new"), st.lists(numbers, max_size=2)),
    st.tuples(st.just("step"), st.tuples(st.lists(st.integers(0, 3), max_size=3), rows)),
    st.tuples(st.just("token"), numbers),
    st.tuples(st.sampled_from(["select", "reorder"]), rows),
    st.tuples(st.sampled_from(["reserve"]), numbers),
    st.tuples(st.just("stack"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["copy", "reset"]), st.none()),
)


@st.composite
def states(draw: st.DrawFn) -> Case:
    """A few calls, one after the other."""
    kind = draw(st.sampled_from(["language", "softmax"]))
    files = {f"{BUNDLE}/{name}": content for name, content in BUNDLES[kind].items()}
    wanted = draw(st.lists(calls, min_size=1, max_size=5))
    return Case(files, "state", (BUNDLE, json.dumps(wanted)))
