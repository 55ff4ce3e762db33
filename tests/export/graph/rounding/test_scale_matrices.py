"""Products by matrices that took a scale into themselves compute what they did before."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import assert_same_sums, normal, operators, run, small_graph

from rfa_export.graph.rounding.scale_matrices import scale_matrices

SCALED = """g (float[batch, sequence, 2, 3, 1, 4] x) => (float[batch, sequence, 2, 3, 1, 5] y) {
    scaled = Mul (x, s)
    y = MatMul (scaled, w)
}"""
BY_TOKEN = """g (float[batch, sequence, 2, 3, 1, 4] x) => (float[batch, 2, 3, 1, sequence, 5] y) {
    scaled = Mul (x, s)
    turned = Transpose <perm = [0, 2, 3, 4, 1, 5]> (scaled)
    y = MatMul (turned, w)
}"""
BY_BATCH = """g (float[batch, sequence, 2, 3, 1, 4] x) => (float[sequence, 2, 3, 1, batch, 5] y) {
    scaled = Mul (x, s)
    y = com.microsoft.FusedMatMul <transBatchA = 1> (scaled, w)
}"""


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (SCALED, (3, 4, 5)),
        (BY_TOKEN, (3, 1, 4, 5)),
        (BY_BATCH, (1, 1, 3, 1, 4, 5)),
    ],
    ids=["as it is", "turned", "turned by the product"],
)
def test_a_product_by_matrices_takes_its_scale(text: str, shape: tuple[int, ...]) -> None:
    model, x = small_graph(text, s=normal(3, 1, 4), w=normal(*shape, seed=1)), normal(2, 3, 2, 3, 1, 4, seed=2)
    before = run(model, x)[0]
    scale_matrices(model)
    assert "Mul" not in operators(model)
    assert_same_sums(run(model, x)[0], before)


@pytest.mark.parametrize(
    ("scale", "w", "text"),
    [
        (normal(3, 1, 1), normal(3, 4, 5), SCALED),
        (normal(4), normal(3, 4, 5), SCALED),
        (normal(3, 1, 4), normal(4, 5), SCALED),
        (normal(3, 1, 4), normal(3, 4, 5), SCALED.replace("= Mul", "= Add")),
        (normal(3, 1, 4), normal(3, 1, 4, 5), BY_TOKEN.replace("y = MatMul", "z = Neg (turned) y = MatMul")),
    ],
    ids=["one for each head", "one for all heads", "one matrix", "a sum", "turned for another too"],
)
def test_other_scales_stay_outside_of_a_product(scale: np.ndarray, w: np.ndarray, text: str) -> None:
    model = small_graph(text, s=scale, w=w)
    nodes = operators(model)
    scale_matrices(model)
    assert "MatMul" in operators(model)
    assert {"Mul", "Add"} & set(operators(model)) == {"Mul", "Add"} & set(nodes)
