"""Weights as whole numbers of a few bits, by ONNX Runtime's own quantiser.

MatMul by a weight [K, N]        -> MatMulNBits
Gather from an embedding [N, K]  -> GatherBlockQuantized, over the same bytes where the vocabulary product is tied to it

Both keep the numbers of N rows, blocks along K: a number q stands for scale * (q - 2^(bits - 1)).  Constants of other
ranks, the random projections among them, stay float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape
from onnxruntime.capi._pybind_state import quantize_matmul_4bits, quantize_matmul_8bits

from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.edit import dims, initializer, numpy_value, replace_node
from rfa_export.graph.names import CONTRIB
from rfa_export.precision import Precision

INT8_ACTIVATIONS = 4
"""MatMulNBits' accuracy_level: x is rounded to 8 bits block by block, and the product is one of whole numbers."""
KERNELS = {4: quantize_matmul_4bits, 8: quantize_matmul_8bits}


@dataclass(frozen=True)
class Quantised:
    """One weight of N rows."""

    numbers: np.ndarray
    """uint8 [N, K / block, block bits / 8]."""
    scales: np.ndarray
    """float32 [N, K / block]."""
    bits: int

    def values(self) -> np.ndarray:
        """What the numbers stand for, float32 [N, K]."""
        whole = unpacked(self.numbers, self.bits).reshape(*self.scales.shape, -1).astype(np.float32)
        return ((whole - (1 << (self.bits - 1))) * self.scales[..., None]).reshape(len(self.scales), -1)


class Quantiser:
    """Quantises every weight once, however many nodes and graphs read it."""

    def __init__(self, precision: Precision) -> None:
        self.bits, self.block_of = precision.bits, precision.block_of
        self.done: dict[int, tuple[ir.TensorProtocol, Quantised]] = {}

    def convert(self, model: ir.Model) -> None:
        """Quantise the weights of a graph that this pays for: two dimensions, K a multiple of some block."""
        for node in list(model.graph):
            if node.op_type == "MatMul":
                self.product(model, node)
            elif node.op_type == "Gather" and node.attributes.get_int("axis", 0) == 0:
                self.embedding(model, node)
        remove_unused(model)

    def product(self, model: ir.Model, node: ir.Node) -> None:
        """A product by a weight, or by one that is read transposed: a tied embedding."""
        x, right = node.inputs
        turned = right.producer() if right is not None else None
        rows_first = turned is not None and turned.op_type == "Transpose"
        weight = turned.inputs[0] if turned is not None and rows_first else right
        found = self.tensors(model, weight, rows_first)
        if found is None:
            return
        numbers, scales = found
        rows, columns = (int(size) for size in (dims(weight) or [])[:: 1 if rows_first else -1])
        attributes = {"N": rows, "K": columns, "bits": self.bits, "block_size": columns // blocks_of(scales)}
        attributes["accuracy_level"] = INT8_ACTIVATIONS
        tape = Tape()
        product = tape.op("MatMulNBits", [x, numbers, scales], attributes, domain=CONTRIB, version=1)
        replace_node(node, tape, product)

    def embedding(self, model: ir.Model, node: ir.Node) -> None:
        """Rows of an embedding."""
        weight, ids = node.inputs
        found = self.tensors(model, weight, rows_first=True)
        if found is None:
            return
        numbers, scales = found
        packed = numpy_value(numbers)
        assert packed is not None
        rows = initializer(model, f"{numbers.name}_rows", packed.reshape(len(packed), -1))
        block = packed[0].size * 8 // self.bits // blocks_of(scales)
        attributes = {"bits": self.bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}
        tape = Tape()
        gathered = tape.op("GatherBlockQuantized", [rows, ids, scales], attributes, domain=CONTRIB, version=1)
        replace_node(node, tape, gathered)

    def tensors(self, model: ir.Model, weight: ir.Value | None, rows_first: bool) -> tuple[ir.Value, ir.Value] | None:
        """A weight's numbers and scales as initializers of the graph; None for what stays as it is."""
        if weight is None or weight.dtype != ir.DataType.FLOAT or (tensor := weight.const_value) is None:
            return None
        shape = tuple(tensor.shape.numpy())
        if len(shape) != 2 or self.block_of(shape[1 if rows_first else 0]) is None:
            return None
        if id(tensor) not in self.done:
            array = tensor.numpy()
            self.done[id(tensor)] = tensor, self.rounded(array.T if rows_first else array)
        found = self.done[id(tensor)][1]
        return (
            initializer(model, f"{weight.name}_int{self.bits}", found.numbers),
            initializer(model, f"{weight.name}_scales", found.scales),
        )

    def rounded(self, weight: np.ndarray) -> Quantised:
        """Quantise [K, N]."""
        columns, rows = weight.shape
        block = self.block_of(columns)
        assert block is not None
        blocks = columns // block
        numbers = np.zeros((rows, blocks, block * self.bits // 8), np.uint8)
        scales, unused = np.zeros((rows, blocks), np.float32), np.zeros((rows, blocks), np.uint8)
        kernel = KERNELS[self.bits]
        kernel(numbers, np.ascontiguousarray(weight), scales, unused, block, rows, columns, True)
        return Quantised(numbers, scales, self.bits)


def blocks_of(scales: ir.Value) -> int:
    """How many blocks a row has."""
    array = numpy_value(scales)
    assert array is not None
    return array.shape[1]


def unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """Bytes of one or two numbers, the lower half first, as numbers in a row."""
    if bits == 8:
        return packed.ravel()
    return np.stack([packed & 15, packed >> 4], axis=-1).ravel()
