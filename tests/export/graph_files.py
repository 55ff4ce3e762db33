"""What the files of a bundle hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime

from rfa_runtime.bundle.bundle import Bundle, write_bundle
from rfa_runtime.session.ort import session_options

INT64, INT32, FLOAT = onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.FLOAT
DEBRIS = {"Shape", "Size", "Expand", "ConstantOfShape", "Range", "Identity", "Unsqueeze", "Squeeze"}
"""What torch writes to compute shapes, and views that a Reshape by a constant says too."""
Change = Callable[[onnx.GraphProto], None]


def graph(file: Path) -> onnx.GraphProto:
    """A graph without its weights."""
    return onnx.load(file, load_external_data=False).graph


def running_graph(file: Path, folder: Path) -> onnx.GraphProto:
    """What ONNX Runtime makes of a graph."""
    options = session_options(threads=1)
    options.optimized_model_filepath = str(folder / "running.onnx")
    onnxruntime.InferenceSession(file, options)
    return graph(folder / "running.onnx")


def interface(values: object) -> dict[str, tuple[int, list[int | str]]]:
    """Names with type and shape."""
    return {
        value.name: (
            value.type.tensor_type.elem_type,
            [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim],
        )
        for value in values
    }


def operators(found: onnx.GraphProto) -> list[str]:
    """Types of all nodes, in order."""
    return [node.op_type for node in found.node]


def nbytes(tensor: onnx.TensorProto) -> int:
    """Of a tensor that is loaded."""
    return onnx.numpy_helper.to_array(tensor).nbytes


def rewritten(bundle: Bundle, folder: Path, file: str, change: Change) -> Path:
    """The bundle with a graph changed; sums and manifest are right again."""
    model = onnx.load(bundle.path / file, load_external_data=False)
    before = model.SerializeToString()
    change(model.graph)
    assert model.SerializeToString() != before
    files = {name: (bundle.path / name).read_bytes() for name in bundle.manifest.files}
    write_bundle(folder / "changed.rfa", bundle.manifest, files | {file: model.SerializeToString()})
    return folder / "changed.rfa"
