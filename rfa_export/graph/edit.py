"""What the passes share to find nodes and to change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

Pass = Callable[[ir.Model], None]
"""Changes a model in place."""
Dims = list[int | str]


def nodes_of(model: ir.Model, *types: str) -> list[ir.Node]:
    """The nodes of some types, in the graph's order.  The list stays valid while a pass changes the graph."""
    return [node for node in model.graph if node.op_type in types]


def output_of(model: ir.Model, name: str) -> ir.Value:
    """The graph's output of that name, which must be there."""
    for value in model.graph.outputs:
        if value.name == name:
            return value
    raise KeyError(name)


def made_by(value: ir.Value | None, type_: str) -> ir.Node | None:
    """The node that computes a value, if it is of this type."""
    maker = value.producer() if value is not None else None
    if maker is None or maker.op_type != type_:
        return None
    return maker


def only_reader(value: ir.Value) -> ir.Node | None:
    """The node that reads a value, if there is one reader, and it reads the value once."""
    uses = list(value.uses())
    return uses[0].node if len(uses) == 1 else None


def optional_input(node: ir.Node, index: int) -> ir.Value | None:
    """An input that a node may lack."""
    return node.inputs[index] if index < len(node.inputs) else None


def dims(value: ir.Value | None) -> Dims | None:
    """A value's shape with symbolic dimensions as strings; None where it is not known, in part or at all."""
    if value is None or value.shape is None or value.shape.has_unknown_dim():
        return None
    return [dim if isinstance(dim, int) else str(dim.value) for dim in value.shape]


def numpy_value(value: ir.Value | None) -> np.ndarray | None:
    """The numbers of an initializer; None for anything computed."""
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()


def constant(model: ir.Model, name: str, values: object, dtype: type[np.generic] = np.int64) -> ir.Value:
    """An initializer of that name, made on first use and shared from then on."""
    return initializer(model, name, np.array(values, dtype=dtype))


def initializer(model: ir.Model, name: str, array: np.ndarray) -> ir.Value:
    """A weight of that name, made on first use and shared from then on."""
    return tensor_initializer(model, name, ir.tensor(array, name=name))


def tensor_initializer(model: ir.Model, name: str, tensor: ir.TensorProtocol) -> ir.Value:
    """The same over a tensor, which other graphs may hold, too."""
    if name not in model.graph.initializers:
        model.graph.initializers[name] = ir.Value(
            name=name, shape=ir.Shape(tensor.shape.numpy()), type=ir.TensorType(tensor.dtype), const_value=tensor
        )
    return model.graph.initializers[name]


def integers(model: ir.Model, *values: int) -> ir.Value:
    """A constant list of integers, such as the target of a Reshape: 0 keeps a dimension."""
    return constant(model, "integers_" + "_".join(map(str, values)), values)


def number(model: ir.Model, value: float) -> ir.Value:
    """A constant float32 scalar."""
    return constant(model, f"number_{value}", value, np.float32)


def describe_like(value: ir.Value, other: ir.Value) -> None:
    """Give a new value the shape and the type of another."""
    value.shape = other.shape
    value.type = other.type


def insert_before(place: ir.Node, *nodes: ir.Node) -> None:
    """Put new nodes into the graph, just before one that is there."""
    graph = place.graph
    assert graph is not None
    graph.insert_before(place, list(nodes))


def replace_node(node: ir.Node, tape: Tape, *outputs: ir.Value) -> None:
    """Put what a tape recorded in a node's place; outputs that nobody can read need no replacement."""
    assert node.graph is not None
    replaced = list(node.outputs)[: len(outputs)]
    ir.convenience.replace_nodes_and_values(node.graph, node, [node], list(tape.nodes), replaced, list(outputs))


def fix_size(model: ir.Model, name: str, size: int) -> None:
    """Give a dimension that was free its size, in the shapes of everything."""
    values = list(model.graph.inputs)
    for node in model.graph:
        values += node.outputs
    for value in values:
        if value.shape is not None:
            value.shape = ir.Shape([size if str(dim) == name else dim for dim in value.shape])


def renamed(shape: Iterable[int | str], old: str, new: str) -> list[int | str]:
    """A shape in which a dimension has another name."""
    return [new if dim == old else dim for dim in shape]
