"""What docs/scale.md computes is what its formulas give today, for states that are those of bundles."""

from __future__ import annotations

import runpy

from pages import ROOT

from rfa_bench.suite.results import read_result

MAKE_SCALE = runpy.run_path(str(ROOT / "docs" / "make_scale.py"))


def test_the_page_has_what_its_formulas_give() -> None:
    text = MAKE_SCALE["PAGE"].read_text(encoding="utf-8")
    assert MAKE_SCALE["filled"](text) == text, "run python docs/make_scale.py"


def test_the_computed_state_is_the_measured_one() -> None:
    row = read_result(MAKE_SCALE["RESULTS"] / "batch-int4.json").rows[0]
    assert (row["system"], row["batch"]) == ("rfa", 1)
    assert MAKE_SCALE["state_bytes"](MAKE_SCALE["SIZES"]["gpt2-small"]) == row["state_bytes"]
