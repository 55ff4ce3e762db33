"""Write graphs whose weights lie once in one file beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import onnx_ir as ir

INLINE_BYTES = 1024
"""Smaller tensors stay in the graph: runtimes read shapes and scalars while they load it."""


def save_graphs(graphs: dict[str, ir.Model], folder: Path, data: str) -> None:
    """Write each graph under its name.  Equal bytes, whatever they are called or stand for, lie once in `data`.

    The graphs read their weights from that file from then on.
    """
    large = list(large_weights(graphs.values()))
    contents: dict[int, bytes] = {}  # of each tensor: graphs of one trace share theirs, look at each once
    unequal: dict[bytes, ir.TensorProtocol] = {}
    for _, tensor in large:
        if id(tensor) not in contents:
            content = hashlib.sha256(tensor.tobytes()).digest()
            contents[id(tensor)] = content
            unequal.setdefault(content, tensor)
    written = write_tensors(list(unequal.values()), folder, data)
    stored = dict(zip(unequal, written, strict=True))
    for value, tensor in large:
        value.const_value = seen_as(tensor, stored[contents[id(tensor)]])
    for file, model in graphs.items():
        ir.save(model, folder / file)


def large_weights(models: Iterable[ir.Model]) -> Iterator[tuple[ir.Value, ir.TensorProtocol]]:
    """Every initializer that does not stay in its graph, with its numbers."""
    for model in models:
        for value in model.graph.initializers.values():
            tensor = value.const_value
            if tensor is not None and tensor.nbytes > INLINE_BYTES:
                yield value, tensor


def seen_as(tensor: ir.TensorProtocol, stored: ir.TensorProtocol) -> ir.TensorProtocol:
    """The bytes that are stored, with a tensor's own shape and type: packed numbers have one, their bytes another."""
    if not isinstance(stored, ir.ExternalTensor):
        return stored
    return ir.ExternalTensor(
        stored.location,
        stored.offset,
        stored.length,
        tensor.dtype,
        shape=ir.Shape(tensor.shape.numpy()),
        name=tensor.name or "",
        base_dir=stored.base_dir,
    )


def write_tensors(
    tensors: list[ir.TensorProtocol], folder: Path, data: str
) -> Sequence[ir.ExternalTensor | ir.TensorProtocol]:
    """Write tensors to one file, return them as they are found there.  Raises OSError that says what may be wrong."""
    try:
        return ir.external_data.convert_tensors_to_external(tensors, folder, data)
    except OSError as error:
        if error.errno is not None:
            raise
        # numpy says at which element it failed, not why.
        raise OSError(f"{data} could not be written ({error}): is the disk full?") from error
