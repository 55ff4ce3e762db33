"""Products of many rows in whole numbers: the processor's own instructions for 8 bits, whatever bits weights have.

com.microsoft::MatMulNBits    -> QuantizeLinear of x, com.microsoft::MatMulIntegerToFloat, scales of rows, bias

MatMulNBits takes its weights apart for every few rows that it multiplies.  That is the fastest for one row, where
weights only pass through.  From 16 rows on the product of plain 8-bit numbers is faster, and at hundreds of rows 4 to 7
times as fast with AMX.

    x_tk ~ s_t (a_tk - 128)     s_t = max_k |x_tk| / 127      a row has its own scale: no row depends on others
    W_kn ~ c_n w_kn             c_n = max_k |W_kn| / 63       of the weights as they were rounded before
    y_tn = s_t c_n sum_k (a_tk - 128) w_kn + b_n

Weights keep to 7 bits.  With 8, processors without VNNI add two products in 16 bits that do not hold them, and give
wrong sums.  The pretrained model: perplexity 16.07 with int4 weights as they are, 16.09 with 8 bits here, 16.11 with
7; with int8 weights it is 15.71, 15.72 and 15.72.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import (
    constant,
    describe_like,
    dims,
    integers,
    nodes_of,
    number,
    numpy_value,
    optional_input,
    replace_node,
    tensor_initializer,
)
from rfa_export.graph.lowering.fuse import NBITS_BIAS
from rfa_export.graph.lowering.standard_quantized import blocks_of
from rfa_export.graph.names import CONTRIB
from rfa_export.graph.packed import unpacked

LARGEST_INPUT = 127
LARGEST_WEIGHT = 63
MIDDLE = 128
"""What stands for zero in the rows of x."""
SMALLEST_ROW = 1e-30
"""The largest number of a row of zeros is taken for this: nothing is divided by zero."""


@dataclass(frozen=True)
class WholeWeight:
    """A weight [K, N] as whole numbers with a scale for each column."""

    numbers: ir.TensorProtocol
    """int8 [K, N]."""
    scales: ir.TensorProtocol
    """float32 [N]."""


@dataclass
class WholeProducts:
    """A pass over the graphs of one bundle, which share their weights."""

    done: dict[int, tuple[ir.TensorProtocol, WholeWeight]] = field(default_factory=dict)
    """By the identity of the packed numbers, which are kept so that their identity stays their own."""

    def __call__(self, model: ir.Model) -> None:
        """Write every product of rounded weights for many rows."""
        middles: dict[tuple[int | str, ...], ir.Value] = {}
        for node in nodes_of(model, "MatMulNBits"):
            self.write_product(model, node, middles)

    def write_product(self, model: ir.Model, node: ir.Node, middles: dict[tuple[int | str, ...], ir.Value]) -> None:
        """Replace one product.  middles: the tensors of 128 that are there, by the shape of the scales beside them."""
        x, packed = node.inputs[:2]
        assert x is not None
        assert packed is not None
        columns = node.attributes["K"].as_int()
        weight = self.weight(node)
        tape = Tape()
        scale = row_scales(model, tape, x)
        middle = middle_like(model, tape, scale, x, middles)
        rows = tape.op("QuantizeLinear", [x, scale, middle], {"axis": -1, "block_size": columns})
        inputs = [
            rows,
            tensor_initializer(model, f"{packed.name}_columns", weight.numbers),
            number(model, 1.0),
            tensor_initializer(model, f"{packed.name}_column_scales", weight.scales),
            constant(model, "middle", MIDDLE, np.uint8),
        ]
        product = tape.op("MatMulIntegerToFloat", inputs, domain=CONTRIB, version=1)
        found = tape.op("Mul", [product, scale])
        bias = optional_input(node, NBITS_BIAS)
        if bias is not None:
            describe_like(found, node.outputs[0])
            found = tape.op("Add", [found, bias])
        replace_node(node, tape, found)

    def weight(self, node: ir.Node) -> WholeWeight:
        """A product's weight, made when a graph first asks for it."""
        packed = node.inputs[1]
        assert packed is not None
        assert packed.const_value is not None
        tensor = packed.const_value
        if id(tensor) not in self.done:
            self.done[id(tensor)] = (tensor, whole_weight(values_of(node)))
        _, found = self.done[id(tensor)]
        return found


def values_of(node: ir.Node) -> np.ndarray:
    """What the numbers of a MatMulNBits stand for, float32 [N, K]."""
    packed = numpy_value(node.inputs[1])
    scales = numpy_value(node.inputs[2])
    assert packed is not None
    assert scales is not None
    rows = node.attributes["N"].as_int()
    layout = blocks_of(node)
    scales = scales.reshape(rows, -1)
    _, blocks = scales.shape
    numbers = unpacked(packed.reshape(rows, -1), layout.bits).astype(np.float32)
    centred = numbers.reshape(rows, blocks, -1) - layout.zeros(rows, blocks)[..., None]
    return (centred * scales[..., None]).reshape(rows, -1)


def whole_weight(values: np.ndarray) -> WholeWeight:
    """Round a weight to whole numbers.  values: float32 [N, K]."""
    largest = np.maximum(np.abs(values).max(axis=1), SMALLEST_ROW)
    scales = (largest / LARGEST_WEIGHT).astype(np.float32)
    numbers = np.rint(values / scales[:, None]).astype(np.int8)
    return WholeWeight(ir.tensor(np.ascontiguousarray(numbers.T)), ir.tensor(scales))


def row_scales(model: ir.Model, tape: Tape, x: ir.Value) -> ir.Value:
    """A scale for each row.  x: [..., K] -> [..., 1]."""
    largest = tape.op("ReduceMax", [tape.op("Abs", [x]), integers(model, -1)], {"keepdims": 1})
    safe = tape.op("Max", [largest, number(model, SMALLEST_ROW)])
    return tape.op("Mul", [safe, number(model, 1 / LARGEST_INPUT)])


def middle_like(
    model: ir.Model, tape: Tape, scale: ir.Value, x: ir.Value, made: dict[tuple[int | str, ...], ir.Value]
) -> ir.Value:
    """128 for each row: QuantizeLinear wants one beside every scale.  The first product of a shape makes it for all."""
    shape = dims(x)
    key = ("unknown", len(made)) if shape is None else tuple(shape[:-1])
    if key not in made:
        zeros = tape.op("Mul", [scale, number(model, 0.0)])
        filled = tape.op("Add", [zeros, number(model, float(MIDDLE))])
        made[key] = tape.op("Cast", [filled], {"to": ir.DataType.UINT8})
    return made[key]
