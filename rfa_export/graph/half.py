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

LARGEST = float(np.finfo(np.float16).max)


class Halver:
    """Rounds every weight once, however many nodes and graphs read it."""

    def __init__(self) -> None:
        self.done: dict[int, tuple[ir.TensorProtocol, np.ndarray]] = {}

    def convert(self, model: ir.Model) -> None:
        """Convert the weights of a graph.  Raises TargetError where one is too large for float16."""
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
        weight = self.weight(model, turned.inputs[0] if turned is not None and rows_first else right)
        if weight is None:
            return
        tape = Tape()
        matrix = tape.op("Transpose", [weight], {"perm": (1, 0)}) if rows_first else weight
        product = tape.op("MatMul", [tape.op("Cast", [x], {"to": ir.DataType.FLOAT16}), matrix])
        replace_node(node, tape, tape.op("Cast", [product], {"to": ir.DataType.FLOAT}))

    def embedding(self, model: ir.Model, node: ir.Node) -> None:
        """Rows of an embedding."""
        table, ids = node.inputs
        weight = self.weight(model, table)
        if weight is not None:
            tape = Tape()
            rows = tape.op("Gather", [weight, ids])
            replace_node(node, tape, tape.op("Cast", [rows], {"to": ir.DataType.FLOAT}))

    def weight(self, model: ir.Model, value: ir.Value | None) -> ir.Value | None:
        """A weight's rounded numbers as an initializer of the graph; None for what stays as it is."""
        if value is None or value.dtype != ir.DataType.FLOAT or (tensor := value.const_value) is None:
            return None
        if len(tensor.shape) != 2:
            return None
        if id(tensor) not in self.done:
            self.done[id(tensor)] = tensor, halved(tensor.numpy(), str(value.name))
        return initializer(model, f"{value.name}_fp16", self.done[id(tensor)][1])


def halved(weight: np.ndarray, name: str) -> np.ndarray:
    """The nearest numbers in float16.  Raises TargetError."""
    largest = float(np.abs(weight).max(initial=0))
    if largest > LARGEST:
        raise TargetError(
            f"{name} has numbers up to {largest:,.0f}, float16 ends at {LARGEST:,.0f}: choose another precision"
        )
    return weight.astype(np.float16)
