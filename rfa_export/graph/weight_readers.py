"""Where a graph reads weights that may be rounded: products by a matrix, and rows of an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir


@dataclass(frozen=True)
class WeightReader:
    """A node and the weight that it reads."""

    node: ir.Node
    weight: ir.Value
    """float32, of two dimensions."""
    rows_first: bool
    """[N, K], as of an embedding and of a product that reads it transposed; else [K, N]."""

    @property
    def tensor(self) -> ir.TensorProtocol:
        """The weight's numbers."""
        assert self.weight.const_value is not None, "weight_readers has seen them"
        return self.weight.const_value

    @property
    def gathers(self) -> bool:
        """Whether it takes rows of an embedding."""
        return self.node.op_type == "Gather"


def weight_readers(model: ir.Model) -> list[WeightReader]:
    """All of them, in the graph's order.  Constants of other ranks, the random projections among them, are left out."""
    found = []
    for node in model.graph:
        if node.op_type == "MatMul":
            right = node.inputs[1]
            turned = right.producer() if right is not None else None
            rows_first = turned is not None and turned.op_type == "Transpose"
            value = turned.inputs[0] if turned is not None and rows_first else right
        elif node.op_type == "Gather" and node.attributes.get_int("axis", 0) == 0:
            value, rows_first = node.inputs[0], True
        else:
            continue
        if value is not None and is_matrix(value):
            found.append(WeightReader(node, value, rows_first))
    return found


def is_matrix(value: ir.Value) -> bool:
    """Whether a value is a float32 constant of two dimensions."""
    tensor = value.const_value
    return value.dtype == ir.DataType.FLOAT and tensor is not None and len(tensor.shape) == 2
