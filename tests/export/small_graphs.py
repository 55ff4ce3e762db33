"""Graphs of a few nodes in ONNX's text form, and ONNX Runtime as their judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime

HEADER = '<ir_version: 10, opset_import: ["" : 23, "com.microsoft" : 1]>\n'
EXTREME = np.array(
    [0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-3, -1e-3, 9.99e-4, -9.99e-4, 1, -1, 20, 21, -200, 1e4, -1e4, 3e38, -3e38],
    np.float32,
)
"""Zero, subnormal, tiny, on both sides of usual bounds, and near the end of float32."""
SAME_NUMBERS = 1e-6
"""Relative.  The same float32 arithmetic (eps 6e-8), in which a few operations round in another place."""
SAME_SUMS = 1e-5
"""Relative.  Sums of up to some hundred float32 numbers in another order, which lose what nearly cancels."""


def small_graph(text: str, **weights: np.ndarray) -> ir.Model:
    """Read `name (inputs) => (outputs) <initializers and shapes> { nodes }`.  weights: initializers from arrays."""
    model = ir.from_onnx_text(HEADER + text)
    for name, array in weights.items():
        tensor = ir.tensor(array, name=name)
        value = next((value for node in model.graph for value in node.inputs if value and value.name == name), None)
        assert value is not None
        value.const_value, value.shape, value.type = tensor, ir.Shape(array.shape), ir.TensorType(tensor.dtype)
        model.graph.initializers[name] = value
    return model


def operators(model: ir.Model) -> list[str]:
    """Types of all nodes, in order."""
    return [node.op_type for node in model.graph]


def node_of(model: ir.Model, operator: str) -> ir.Node:
    """The only node of a type."""
    (node,) = (node for node in model.graph if node.op_type == operator)
    return node


def run(model: ir.Model, *inputs: np.ndarray, **named: np.ndarray) -> list[np.ndarray]:
    """Run the graph as it stands: ONNX Runtime rewrites nothing.  inputs: in the graph's order, or by name."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options)
    names = [value.name for value in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs, strict=False)) | named))


def assert_same_numbers(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal but for a rounding or two."""
    np.testing.assert_allclose(found, wanted, rtol=SAME_NUMBERS)


def assert_same_sums(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal but for the order of sums: near zero, the largest number says how exact they are."""
    np.testing.assert_allclose(found, wanted, rtol=SAME_SUMS, atol=SAME_NUMBERS * np.abs(wanted).max())


def assert_left_alone(change: Callable[[ir.Model], Any], model: ir.Model) -> None:
    """The change finds nothing to do."""
    before = ir.to_proto(model.graph)
    change(model)
    assert ir.to_proto(model.graph) == before


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Random numbers of a normal distribution, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
