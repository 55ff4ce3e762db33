"""Where a graph reads weights that may be rounded: products by a matrix, and rows of an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from rfa_export.graph.edit import made_by, nodes_of


@dataclass(frozen=True)
class WeightReader:
    """A node and the weight of N rows and K columns that it reads."""

    node: ir.Node
    weight: ir.Value
    """float32, of two dimensions."""
    rows_first: bool
    """Whether the weight is [N, K], as of an embedding and of a product that reads it transposed; else [K, N]."""

    @property
    def tensor(self) -> ir.TensorProtocol:
        """The weight's numbers."""
        assert self.weight.const_value is not None, "weight_readers has seen them"
        return self.weight.const_value

    @property
    def rows(self) -> int:
        """N: outputs of a product, or tokens of an embedding."""
        first, second = self.tensor.shape.numpy()
        return first if self.rows_first else second

    @property
    def columns(self) -> int:
        """K: what a product sums over, or the width of an embedding."""
        first, second = self.tensor.shape.numpy()
        return second if self.rows_first else first

    @property
    def gathers(self) -> bool:
        """Whether the node takes rows of an embedding."""
        return self.node.op_type == "Gather"


def weight_readers(model: ir.Model) -> list[WeightReader]:
    """All of them, in the graph's order.  Constants of other ranks, the random projections among them, are left out."""
    found = []
    for node in nodes_of(model, "MatMul", "Gather"):
        weight = weight_of(node)
        if weight is not None and is_matrix(weight):
            found.append(WeightReader(node, weight, reads_rows(node)))
    return found


def weight_of(node: ir.Node) -> ir.Value | None:
    """What a product or an embedding may read as its weight."""
    if node.op_type == "Gather":
        return node.inputs[0] if node.attributes.get_int("axis", 0) == 0 else None
    turned = made_by(node.inputs[1], "Transpose")
    return node.inputs[1] if turned is None else turned.inputs[0]


def reads_rows(node: ir.Node) -> bool:
    """Whether a node reads its weight as [N, K]."""
    return node.op_type == "Gather" or made_by(node.inputs[1], "Transpose") is not None


def is_matrix(value: ir.Value) -> bool:
    """Whether a value is a float32 constant of two dimensions."""
    tensor = value.const_value
    return value.dtype == ir.DataType.FLOAT and tensor is not None and len(tensor.shape) == 2
