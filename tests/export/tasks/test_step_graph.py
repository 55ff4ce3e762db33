"""What the file of a step holds: few nodes, no shapes to compute, each weight once, the names that runtimes know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime
import pytest
from small_models import Example, language_model

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.session.ort import session_options

NODES_PER_LAYER, NODES_PER_LAYER_RUNNING = 32, 28
"""In the file, and after ONNX Runtime has merged what it can: at one token, each costs its launch."""
DEBRIS = {"Shape", "Size", "Expand", "ConstantOfShape", "Range", "Identity", "Cast", "Unsqueeze", "Squeeze", "Concat"}
"""What torch writes to compute shapes, and views that a Reshape by a constant says too."""


@pytest.fixture(scope="module")
def deep(export: Callable[..., Bundle]) -> Bundle:
    """A model like `gated`, with four layers."""
    return export(language_model({"gate": True}, layers=4))


def graph(file: Path) -> onnx.GraphProto:
    return onnx.load(file, load_external_data=False).graph


def running_graph(bundle: Bundle, folder: Path) -> onnx.GraphProto:
    """What ONNX Runtime makes of the step graph."""
    options = session_options(threads=1)
    options.optimized_model_filepath = str(folder / f"{len(bundle.manifest.state)}.onnx")
    onnxruntime.InferenceSession(bundle.path / "model.onnx", options)
    return graph(Path(options.optimized_model_filepath))


def interface(values: object) -> dict[str, tuple[int, list[int | str]]]:
    """Names with type and shape."""
    return {
        value.name: (
            value.type.tensor_type.elem_type,
            [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim],
        )
        for value in values
    }


def test_the_file_has_few_nodes_for_each_layer(gated: Example, deep: Bundle) -> None:
    counts = [len(graph(bundle.path / "model.onnx").node) for bundle in (gated.bundle, deep)]
    assert 0 < (counts[1] - counts[0]) / 2 <= NODES_PER_LAYER


def test_onnx_runtime_runs_few_nodes_for_each_layer(gated: Example, deep: Bundle, tmp_path: Path) -> None:
    counts = [len(running_graph(bundle, tmp_path).node) for bundle in (gated.bundle, deep)]
    assert 0 < (counts[1] - counts[0]) / 2 <= NODES_PER_LAYER_RUNNING


@pytest.mark.parametrize("file", ["model.onnx", "model.score.onnx"])
def test_no_layer_computes_shapes(gated: Example, deep: Bundle, file: str) -> None:
    shallow, more = (
        Counter(node.op_type for node in graph(bundle.path / file).node) for bundle in (gated.bundle, deep)
    )
    assert not (more - shallow).keys() & DEBRIS
    assert shallow["Gather"] == more["Gather"] == 1, "one for the embedding, none on shapes"


@pytest.mark.parametrize(("file", "positions"), [("model.onnx", 1), ("model.score.onnx", "sequence")])
def test_names_and_shapes_are_those_that_runtimes_know(gated: Example, file: str, positions: int | str) -> None:
    found = graph(gated.bundle.path / file)
    ids, sums, normalizer = ["batch", "sequence"], ["batch", 2, 32, 8], ["batch", 2, 32, 1]
    assert interface(found.input) == {
        "input_ids": (onnx.TensorProto.INT64, ids),
        "position_ids": (onnx.TensorProto.INT64, ids),
        "past_key_values.0.recurrent_state": (onnx.TensorProto.FLOAT, sums),
        "past_key_values.0.normalizer_state": (onnx.TensorProto.FLOAT, normalizer),
        "past_key_values.1.recurrent_state": (onnx.TensorProto.FLOAT, sums),
        "past_key_values.1.normalizer_state": (onnx.TensorProto.FLOAT, normalizer),
    }
    one = ["batch", 1, 1]
    top = {"top_logit": (onnx.TensorProto.FLOAT, one), "top_token": (onnx.TensorProto.INT64, one)}
    assert interface(found.output) == (top if positions == 1 else {}) | {
        "logits": (onnx.TensorProto.FLOAT, ["batch", positions, 256]),
        "present.0.recurrent_state": (onnx.TensorProto.FLOAT, sums),
        "present.0.normalizer_state": (onnx.TensorProto.FLOAT, normalizer),
        "present.1.recurrent_state": (onnx.TensorProto.FLOAT, sums),
        "present.1.normalizer_state": (onnx.TensorProto.FLOAT, normalizer),
    }


def test_both_graphs_read_the_same_weights(gated: Example) -> None:
    places = []
    for file in ("model.onnx", "model.score.onnx"):
        tensors = [t for t in graph(gated.bundle.path / file).initializer if t.external_data]
        places.append({t.name: {entry.key: entry.value for entry in t.external_data} for t in tensors})
    assert places[0] == places[1] != {}
    assert {place["location"] for place in places[0].values()} == {"model.onnx.data"}


def test_every_weight_is_stored_once(gated: Example) -> None:
    file = gated.bundle.path / "model.onnx.data"
    large = [
        tensor for tensor in onnx.load(gated.bundle.path / "model.onnx").graph.initializer if nbytes(tensor) > 1024
    ]
    contents = {(tuple(tensor.dims), tensor.raw_data): tensor.name for tensor in large}
    assert len(contents) == len(large) > 0
    assert file.stat().st_size == sum(map(nbytes, large))


def test_a_tied_embedding_has_no_transposed_copy(gated: Example) -> None:
    shapes = Counter(tuple(tensor.dims) for tensor in graph(gated.bundle.path / "model.onnx").initializer)
    assert shapes[256, 16] + shapes[16, 256] == 1


def nbytes(tensor: onnx.TensorProto) -> int:
    return onnx.numpy_helper.to_array(tensor).nbytes
