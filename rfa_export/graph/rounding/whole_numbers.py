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

from rfa_export.graph.edit import initializer, numpy_value, replace_node
from rfa_export.graph.names import CONTRIB
from rfa_export.graph.rewrite.cleanup import remove_unused
from rfa_export.graph.weight_readers import WeightReader, weight_readers
from rfa_export.precision import Precision

INT8_ACTIVATIONS = 4
"""MatMulNBits' accuracy_level: x is rounded to 8 bits block by block, and the product is one of whole numbers."""
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
        whole = unpacked(self.numbers.reshape(rows, -1), self.bits).reshape(rows, blocks, -1).astype(np.float32)
        zeros = zero_points(self.zero_points, self.bits, rows, blocks)
        return ((whole - zeros[..., None]) * self.scales[..., None]).reshape(rows, -1)


class Quantizer:
    """Quantizes every weight once, however many nodes and graphs read it."""

    def __init__(self, precision: Precision) -> None:
        self.bits, self.block_of, self.symmetric = precision.bits, precision.block_of, precision.symmetric
        self.done: dict[int, tuple[ir.TensorProtocol, Quantized]] = {}

    def convert(self, model: ir.Model) -> None:
        """Quantize the weights of a graph whose rows divide into blocks."""
        for reader in weight_readers(model):
            rows, columns = reader.tensor.shape.numpy()[:: 1 if reader.rows_first else -1]
            block = self.block_of(columns)
            if block is not None:
                write = self.embedding if reader.gathers else self.product
                write(model, reader.node, self.tensors(model, reader), {"N": rows, "K": columns, "block_size": block})
        remove_unused(model)

    def product(self, _: ir.Model, node: ir.Node, weight: list[ir.Value], sizes: dict[str, int]) -> None:
        """A product by the weight."""
        tape, attributes = Tape(), sizes | {"bits": self.bits, "accuracy_level": INT8_ACTIVATIONS}
        inputs = [node.inputs[0], *weight]
        replace_node(node, tape, tape.op("MatMulNBits", inputs, attributes, domain=CONTRIB, version=1))

    def embedding(self, model: ir.Model, node: ir.Node, weight: list[ir.Value], sizes: dict[str, int]) -> None:
        """Rows of the weight."""
        numbers, *others = weight
        packed = numpy_value(numbers)
        assert packed is not None
        rows = initializer(model, f"{numbers.name}_rows", packed.reshape(len(packed), -1))
        attributes = {"bits": self.bits, "block_size": sizes["block_size"], "gather_axis": 0, "quantize_axis": 1}
        tape, inputs = Tape(), [rows, node.inputs[1], *others]
        replace_node(node, tape, tape.op("GatherBlockQuantized", inputs, attributes, domain=CONTRIB, version=1))

    def tensors(self, model: ir.Model, reader: WeightReader) -> list[ir.Value]:
        """A weight's numbers, scales and, where it has them, zero points as initializers of the graph."""
        tensor, name = reader.tensor, reader.weight.name
        if id(tensor) not in self.done:
            array = tensor.numpy()
            self.done[id(tensor)] = tensor, self.rounded(array.T if reader.rows_first else array)
        found = self.done[id(tensor)][1]
        parts = {f"int{self.bits}": found.numbers, "scales": found.scales, "zero_points": found.zero_points}
        return [initializer(model, f"{name}_{part}", array) for part, array in parts.items() if array is not None]

    def rounded(self, weight: np.ndarray) -> Quantized:
        """Quantize [K, N]."""
        columns, rows = weight.shape
        block = self.block_of(columns)
        assert block is not None
        blocks = columns // block
        numbers = np.zeros((rows, blocks, block * self.bits // 8), np.uint8)
        scales, zeros = np.zeros((rows, blocks), np.float32), np.zeros((rows, -(-blocks * self.bits // 8)), np.uint8)
        kernel = KERNELS[self.bits]
        kernel(numbers, np.ascontiguousarray(weight), scales, zeros, block, rows, columns, self.symmetric)
        return Quantized(numbers, scales, None if self.symmetric else zeros, self.bits)


def unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """Rows of bytes [N, ...] as rows of numbers: a byte is one, or two, the lower half first."""
    return packed if bits == 8 else np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(packed), -1)


def zero_points(packed: np.ndarray | None, bits: int, rows: int, blocks: int) -> np.ndarray:
    """Those of all blocks [N, K / block], of which an odd one has half a byte behind it."""
    return np.full((rows, blocks), 1 << (bits - 1), np.uint8) if packed is None else unpacked(packed, bits)[:, :blocks]
