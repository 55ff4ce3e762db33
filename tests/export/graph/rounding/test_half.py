"""Weights in float16: what is rounded, what is left, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, normal, operators, run, small_graph

from rfa_export.errors import TargetError
from rfa_export.graph.rounding.half import Halver

HALF_PRODUCT = 2e-3
"""Of the largest result: a product of float16 (eps 5e-4), whose sums may be float16 too."""
PRODUCT = "g (float[batch, sequence, 64] x) => (float[batch, sequence, 24] y) { y = MatMul (x, w) }"
TIED = """g (int64[batch, sequence] ids) => (float[batch, sequence, 96] y)
<float[batch, sequence, 64] x, float[64, 96] turned> {
    x = Gather (e, ids)
    turned = Transpose <perm = [1, 0]> (e)
    y = MatMul (x, turned)
}"""


def halved(text: str, **weights: np.ndarray) -> ir.Model:
    model = small_graph(text, **weights)
    Halver().convert(model)
    return model


def test_a_product_is_one_of_float16() -> None:
    weight, x = normal(64, 24), normal(2, 3, 64, seed=1)
    model = halved(PRODUCT, w=weight)
    assert operators(model) == ["Cast", "MatMul", "Cast"]
    assert {value.const_value.dtype for value in model.graph.initializers.values()} == {ir.DataType.FLOAT16}
    exact = x.astype(np.float16).astype(float) @ weight.astype(np.float16).astype(float)
    np.testing.assert_allclose(run(model, x)[0], exact, atol=HALF_PRODUCT * np.abs(exact).max())


def test_a_tied_embedding_keeps_one_set_of_numbers() -> None:
    embedding, ids = normal(96, 64), np.array([[0, 95, 7], [1, 1, 50]])
    model = halved(TIED, e=embedding)
    assert operators(model) == ["Gather", "Cast", "Transpose", "Cast", "MatMul", "Cast"]
    assert len(model.graph.initializers) == 1
    exact = embedding.astype(np.float16).astype(float)
    wanted = exact[ids] @ exact.T
    np.testing.assert_allclose(run(model, ids)[0], wanted, atol=HALF_PRODUCT * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        (PRODUCT.replace("sequence, 64]", "2, 64]").replace("sequence, 24]", "2, 24]"), {"w": normal(2, 64, 24)}),
        ("g (float[batch, 64] x, float[64, 24] w) => (float[batch, 24] y) { y = MatMul (x, w) }", {}),
        ("g (int64[batch] ids) => (int64[batch, 64] y) { y = Gather (e, ids) }", {"e": np.ones((3, 64), np.int64)}),
    ],
    ids=["three dimensions", "computed", "integers"],
)
def test_other_operands_are_left_alone(text: str, weights: dict[str, np.ndarray]) -> None:
    assert_left_alone(lambda model: Halver().convert(model), small_graph(text, **weights))


def test_a_weight_beyond_float16_is_refused() -> None:
    with pytest.raises(TargetError, match="w has numbers up to 70,000, float16 ends at 65,504: choose another"):
        halved(PRODUCT, w=np.full((64, 24), 7e4, np.float32))
