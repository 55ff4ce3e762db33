"""Weights as whole numbers of a few bits, by ONNX Runtime's own quantizer.

MatMul by a weight [K, N]        -> MatMulNBits
Gather from an embedding [N, K]  -> GatherBlockQuantized, over the same bytes where the vocabulary product is tied to it

Both keep the numbers of N rows, blocks along K: a number q stands for scale * (q - zero point).  The zero point is
2^(bits - 1), or the block's own.  Constants of other ranks, the random projections among them, stay float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape
from onnxruntime.capi._pybind_state import quantize_matmul_4bits, quantize_matmul_8bits

from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.edit import initializer, numpy_value, replace_node
from rfa_export.graph.names import CONTRIB
from rfa_export.graph.packed import unpacked, zero_points
from rfa_export.graph.weight_readers import WeightReader, weight_readers
from rfa_export.precision import Precision

INT8_ACTIVATIONS = 4
"""MatMulNBits' accuracy_level: x is rounded to 8 bits block by block, and the product is one of whole numbers."""
FLOAT32_ACTIVATIONS = 1
"""The weights become floats while they are multiplied."""
KERNELS = {4: quantize_matmul_4bits, 8: quantize_matmul_8bits}


@dataclass(frozen=True)
class Quantized:
    """One weight of N rows."""

    numbers: np.ndarray
    """uint8 [N, K / block, block bits / 8]."""
    scales: np.ndarray
    """float32 [N, K / block]."""
    zero_points: np.ndarray | None
    """uint8 [N, bytes for K / block of them]; None where all are 2^(bits - 1)."""
    bits: int

    def values(self) -> np.ndarray:
        """What the numbers stand for, float32 [N, K]."""
        rows, blocks = self.scales.shape
        whole = unpacked(self.numbers.reshape(rows, -1), self.bits).astype(np.float32)
        zeros = zero_points(self.zero_points, self.bits, rows, blocks)
        by_block = whole.reshape(rows, blocks, -1) - zeros[..., None]
        return (by_block * self.scales[..., None]).reshape(rows, -1)


class Quantizer:
    """Quantizes every weight once, however many nodes and graphs read it."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self.bits = precision.bits
        self.done: dict[int, tuple[ir.TensorProtocol, Quantized]] = {}
        """By the identity of a tensor, which is kept so that its identity stays its own."""

    def convert(self, model: ir.Model) -> None:
        """Quantize the weights of a graph whose rows divide into blocks, in place."""
        for reader in weight_readers(model):
            block = self.precision.block_of(reader.columns)
            if block is None:
                continue
            weight = self.tensors(model, reader)
            if reader.gathers:
                self.write_embedding(model, reader.node, weight, block)
            else:
                self.write_product(reader, weight, block)
        remove_unused(model)

    def write_product(self, reader: WeightReader, weight: list[ir.Value], block: int) -> None:
        """Multiply by the weight's numbers."""
        tape = Tape()
        attributes = {
            "N": reader.rows,
            "K": reader.columns,
            "block_size": block,
            "bits": self.bits,
            "accuracy_level": INT8_ACTIVATIONS if self.precision.rounds_activations else FLOAT32_ACTIVATIONS,
        }
        inputs = [reader.node.inputs[0], *weight]
        replace_node(reader.node, tape, tape.op("MatMulNBits", inputs, attributes, domain=CONTRIB, version=1))

    def write_embedding(self, model: ir.Model, node: ir.Node, weight: list[ir.Value], block: int) -> None:
        """Take rows of the weight's numbers."""
        tape = Tape()
        numbers, *others = weight
        packed = numpy_value(numbers)
        assert packed is not None
        rows = initializer(model, f"{numbers.name}_rows", packed.reshape(len(packed), -1))
        attributes = {"bits": self.bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}
        inputs = [rows, node.inputs[1], *others]
        replace_node(node, tape, tape.op("GatherBlockQuantized", inputs, attributes, domain=CONTRIB, version=1))

    def tensors(self, model: ir.Model, reader: WeightReader) -> list[ir.Value]:
        """A weight's numbers, scales and, where it has them, zero points as initializers of the graph."""
        quantized = self.quantized(reader)
        name = reader.weight.name
        parts = [
            initializer(model, f"{name}_int{self.bits}", quantized.numbers),
            initializer(model, f"{name}_scales", quantized.scales),
        ]
        if quantized.zero_points is not None:
            parts.append(initializer(model, f"{name}_zero_points", quantized.zero_points))
        return parts

    def quantized(self, reader: WeightReader) -> Quantized:
        """A weight's numbers, made when a node first asks for them."""
        tensor = reader.tensor
        if id(tensor) not in self.done:
            array = tensor.numpy()
            self.done[id(tensor)] = (tensor, self.rounded(array.T if reader.rows_first else array))
        _, found = self.done[id(tensor)]
        return found

    def rounded(self, weight: np.ndarray) -> Quantized:
        """Quantize [K, N]."""
        columns, rows = weight.shape
        block = self.precision.block_of(columns)
        assert block is not None
        blocks = columns // block
        numbers = np.zeros((rows, blocks, block * self.bits // 8), np.uint8)
        scales = np.zeros((rows, blocks), np.float32)
        zeros = np.zeros((rows, -(-blocks * self.bits // 8)), np.uint8)
        symmetric = self.precision.symmetric
        quantize = KERNELS[self.bits]
        quantize(numbers, np.ascontiguousarray(weight), scales, zeros, block, rows, columns, symmetric)
        return Quantized(numbers, scales, None if symmetric else zeros, self.bits)
