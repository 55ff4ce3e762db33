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
from rfa_export.graph.edit import initializer, numpy_value, replace_node
from rfa_export.graph.names import CONTRIB
from rfa_export.graph.weight_readers import WeightReader, weight_readers
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
        """Quantise the weights of a graph whose rows divide into blocks."""
        for reader in weight_readers(model):
            rows, columns = reader.tensor.shape.numpy()[:: 1 if reader.rows_first else -1]
            block = self.block_of(columns)
            if block is not None:
                numbers, scales = self.tensors(model, reader)
                write = self.embedding if reader.gathers else self.product
                write(model, reader.node, numbers, scales, {"N": rows, "K": columns, "block_size": block})
        remove_unused(model)

    def product(
        self, model: ir.Model, node: ir.Node, numbers: ir.Value, scales: ir.Value, sizes: dict[str, int]
    ) -> None:
        """A product by the weight."""
        tape, attributes = Tape(), sizes | {"bits": self.bits, "accuracy_level": INT8_ACTIVATIONS}
        inputs = [node.inputs[0], numbers, scales]
        replace_node(node, tape, tape.op("MatMulNBits", inputs, attributes, domain=CONTRIB, version=1))

    def embedding(
        self, model: ir.Model, node: ir.Node, numbers: ir.Value, scales: ir.Value, sizes: dict[str, int]
    ) -> None:
        """Rows of the weight."""
        packed = numpy_value(numbers)
        assert packed is not None
        rows = initializer(model, f"{numbers.name}_rows", packed.reshape(len(packed), -1))
        attributes = {"bits": self.bits, "block_size": sizes["block_size"], "gather_axis": 0, "quantize_axis": 1}
        tape, inputs = Tape(), [rows, node.inputs[1], scales]
        replace_node(node, tape, tape.op("GatherBlockQuantized", inputs, attributes, domain=CONTRIB, version=1))

    def tensors(self, model: ir.Model, reader: WeightReader) -> tuple[ir.Value, ir.Value]:
        """A weight's numbers and scales as initializers of the graph."""
        tensor, name = reader.tensor, reader.weight.name
        if id(tensor) not in self.done:
            array = tensor.numpy()
            self.done[id(tensor)] = tensor, self.rounded(array.T if reader.rows_first else array)
        found = self.done[id(tensor)][1]
        return (
            initializer(model, f"{name}_int{self.bits}", found.numbers),
            initializer(model, f"{name}_scales", found.scales),
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


def unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """Bytes of one or two numbers, the lower half first, as numbers in a row."""
    if bits == 8:
        return packed.ravel()
    return np.stack([packed & 15, packed >> 4], axis=-1).ravel()
