"""A Gemm is taken apart where that changes nothing, and its weight is rounded like any other."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import assert_left_alone, assert_same_sums, normal, operators, run, small_graph

from rfa_export.graph.rounding.gemm import split_gemms
from rfa_export.graph.weight_readers import weight_readers

GEMM = "g (float[batch, 64] x) => (float[batch, 24] y) { y = Gemm <SETTINGS> (x, w, b) }"


@pytest.mark.parametrize(
    ("settings", "bias", "left"),
    [
        ("transB = 1", ", b", ["Transpose", "MatMul", "Add"]),
        ("alpha = 1.0, beta = 1.0", ", b", ["MatMul", "Add"]),
        ("transB = 1", "", ["Transpose", "MatMul"]),
    ],
)
def test_a_gemm_becomes_a_product_and_a_sum(settings: str, bias: str, left: list[str]) -> None:
    w, b, x = normal(64, 24), normal(24, seed=1), normal(3, 64, seed=2)
    given = {"w": w.T.copy() if "transB" in settings else w} | ({"b": b} if bias else {})
    model = small_graph(GEMM.replace("SETTINGS", settings).replace(", b", bias), **given)
    assert weight_readers(model) == []
    split_gemms(model)
    assert operators(model) == left
    (reader,) = weight_readers(model)
    np.testing.assert_array_equal(reader.tensor.numpy(), given["w"])
    assert_same_sums(run(model, x)[0], x @ w + (b if bias else 0))


@pytest.mark.parametrize("settings", ["alpha = 2.0, transB = 1", "beta = 0.5", "transA = 1"])
def test_another_gemm_is_left_alone(settings: str) -> None:
    assert_left_alone(split_gemms, small_graph(GEMM.replace("SETTINGS", settings), w=normal(64, 24), b=normal(24)))
