"""Weights in float16, and products by them: half the bytes, and what GPUs multiply fastest.

MatMul by a weight [K, N]        -> Cast, MatMul in float16, Cast
Gather from an embedding [N, K]  -> Gather, Cast; from the same numbers where the vocabulary product is tied to it

All else stays float32: norms, features, states, and constants of other ranks, the random projections among them.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.errors import TargetError
from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.edit import initializer, replace_node
from rfa_export.graph.weight_readers import WeightReader, weight_readers

LARGEST = float(np.finfo(np.float16).max)


class Halver:
    """Rounds every weight once, however many nodes and graphs read it."""

    def __init__(self) -> None:
        self.done: dict[int, tuple[ir.TensorProtocol, np.ndarray]] = {}
        """By the identity of a tensor, which is kept so that its identity stays its own."""

    def convert(self, model: ir.Model) -> None:
        """Convert the weights of a graph, in place.  Raises TargetError where one is too large for float16."""
        for reader in weight_readers(model):
            tape = Tape()
            weight = self.weight(model, reader)
            if reader.gathers:
                found = tape.op("Gather", [weight, reader.node.inputs[1]])
            else:
                found = product(tape, reader, weight)
            replace_node(reader.node, tape, tape.op("Cast", [found], {"to": ir.DataType.FLOAT}))
        remove_unused(model)

    def weight(self, model: ir.Model, reader: WeightReader) -> ir.Value:
        """A weight's rounded numbers as an initializer of the graph."""
        tensor = reader.tensor
        name = str(reader.weight.name)
        if id(tensor) not in self.done:
            self.done[id(tensor)] = (tensor, halved(tensor.numpy(), name))
        _, numbers = self.done[id(tensor)]
        return initializer(model, f"{name}_fp16", numbers)


def product(tape: Tape, reader: WeightReader, weight: ir.Value) -> ir.Value:
    """A product of float16."""
    matrix = tape.op("Transpose", [weight], {"perm": (1, 0)}) if reader.rows_first else weight
    x = tape.op("Cast", [reader.node.inputs[0]], {"to": ir.DataType.FLOAT16})
    return tape.op("MatMul", [x, matrix])


def halved(weight: np.ndarray, name: str) -> np.ndarray:
    """The nearest numbers in float16.  Raises TargetError where one of them is beyond its end."""
    largest = float(np.abs(weight).max(initial=0))
    if largest > LARGEST:
        raise TargetError(
            f"{name} has numbers up to {largest:,.0f}, float16 ends at {LARGEST:,.0f}: choose another precision"
        )
    return weight.astype(np.float16)
