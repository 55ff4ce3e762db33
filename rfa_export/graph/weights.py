"""Write graphs whose weights lie once in one file beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx_ir as ir

INLINE_BYTES = 1024
"""Smaller tensors stay in the graph: runtimes read shapes and scalars while they load it."""


def save_graphs(graphs: dict[str, ir.Model], folder: Path, data: str) -> None:
    """Write each graph under its name; tensors of one name are one tensor, kept in the file `data`."""
    shared: dict[str, ir.TensorProtocol] = {}
    for model in graphs.values():
        for name, value in model.graph.initializers.items():
            if value.const_value is not None and value.const_value.nbytes > INLINE_BYTES:
                shared.setdefault(name, value.const_value)
    stored = dict(zip(shared, write_tensors(list(shared.values()), folder, data), strict=True))
    for file, model in graphs.items():
        for name, value in model.graph.initializers.items():
            if name in stored:
                value.const_value = stored[name]
        ir.save(model, folder / file)


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
