"""Softplus without torch's shortcut computes the same numbers, the gate's extremes included."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import EXTREME, assert_left_alone, assert_same_numbers, operators, run, small_graph

from rfa_export.graph.softplus import plain_softplus

LAST_PLACE = 1.2e-7
"""Relative: one unit in the last place of float32."""
SHORTCUT = """g (float[N] x) => (float[N] y) <float threshold = {THRESHOLD}> {
    high = Greater (x, threshold)
    smooth = Softplus (x)
    y = Where (high, x, smooth)
}"""


def test_the_shortcut_goes_and_the_numbers_stay() -> None:
    model = small_graph(SHORTCUT.replace("THRESHOLD", "20.0"))
    x = np.concatenate([EXTREME, np.linspace(-120, 120, 4801, dtype=np.float32)])
    before = run(model, x)[0]
    plain_softplus(model)
    assert operators(model) == ["Softplus"]
    np.testing.assert_allclose(run(model, x)[0], before, rtol=LAST_PLACE, atol=0)


@pytest.mark.parametrize("logit", [-3e38, -1e4, -200.0, 0.0, 200.0, 1e4, 3e38])
def test_any_gate_logit_gives_a_finite_decay(logit: float) -> None:
    gate = """g (float[1, 2, 2] f, float[1, 2, 8] k, float[1, 2, 4, 4] past) => (float[1, 2, 8] o, float[1, 2, 4, 4] s)
    <float threshold = {20.0}> {
        high = Greater (f, threshold)
        smooth = Softplus (f)
        decay = Where (high, f, smooth)
        log_decay = Neg (decay)
        o, s = com.microsoft.LinearAttention
            <q_num_heads = 2, kv_num_heads = 2, scale = 1.0, update_rule = "gated"> (k, k, k, past, log_decay)
    }"""
    model = small_graph(gate)
    inputs = np.full((1, 2, 2), logit, np.float32), np.ones((1, 2, 8), np.float32), np.ones((1, 2, 4, 4), np.float32)
    before = run(model, *inputs)
    plain_softplus(model)
    assert "Where" not in operators(model)
    for found, wanted in zip(run(model, *inputs), before, strict=True):
        assert np.isfinite(found).all()
        assert_same_numbers(found, wanted)


@pytest.mark.parametrize(
    "text",
    [
        SHORTCUT.replace("THRESHOLD", "5.0"),
        SHORTCUT.replace("THRESHOLD", "20.0").replace("Softplus (x)", "Exp (x)"),
        SHORTCUT.replace("THRESHOLD", "20.0").replace("Where (high, x, smooth)", "Where (high, smooth, x)"),
        SHORTCUT.replace("<float threshold = {THRESHOLD}>", "").replace("[N] x)", "[N] x, float threshold)"),
    ],
    ids=["threshold so low that it shows", "another function", "the other way round", "threshold computed"],
)
def test_what_only_looks_like_the_shortcut_is_left_alone(text: str) -> None:
    assert_left_alone(plain_softplus, small_graph(text))
