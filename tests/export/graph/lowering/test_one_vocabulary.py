"""An embedding and a product by the same weight read one tensor, and compute what they did."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_same_sums, normal, operators, run, small_graph

from rfa_export.graph.edit import initializer
from rfa_export.graph.lowering.one_vocabulary import share_vocabulary
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import precision_of

TIED = """g (int64[batch, sequence] ids, float[batch, sequence, 64] x)
=> (float[batch, sequence, 64] rows, float[batch, sequence, 48] logits)
<float[64, 48] turned> {
    rows = Gather (table, ids)
    turned = Transpose <perm = [1, 0]> (table)
    logits = MatMul (x, turned)
}"""
IDS = np.array([[3, 0, 47]])


def tied(precision: str, block: int | None = None) -> ir.Model:
    model = small_graph(TIED, table=normal(48, 64))
    if precision != "fp32":
        Quantizer(precision_of(precision, block)).convert(model)
    return model


@pytest.mark.parametrize("precision", ["fp32", "int8", "int4"])
def test_one_tensor_serves_both(precision: str) -> None:
    model = tied(precision, None if precision == "fp32" else 32)
    x = normal(1, 3, 64, seed=1)
    wanted = run(model, IDS, x)
    assert len(large(model)) == (1 if precision == "fp32" else 2)
    share_vocabulary(model)
    assert len(large(model)) == 1
    for found, right in zip(run(model, IDS, x), wanted, strict=True):
        assert_same_sums(found, right)


def test_another_embedding_is_left_alone() -> None:
    model = tied("int4", 32)
    other = next(node for node in model.graph if node.op_type == "GatherBlockQuantized")
    numbers = other.inputs[0].const_value.numpy().copy()
    numbers[0, 0] ^= 1
    other.replace_input_with(0, initializer(model, "another", numbers))
    before = operators(model)
    share_vocabulary(model)
    assert operators(model) == before


def large(model: ir.Model) -> list[str]:
    """The initializers that hold a vocabulary."""
    return [name for name, value in model.graph.initializers.items() if value.const_value.size >= 48 * 64 // 2]
