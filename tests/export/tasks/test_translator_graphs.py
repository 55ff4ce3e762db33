"""What the two files of a translator hold: each weight once, no shapes to compute, few nodes for each layer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest
from graph_files import DEBRIS, graph, nbytes, operators, running_graph
from small_models import Example
from small_translators import ENCODER, STEP, WEIGHTS

MOST_NODES = {"rfa": 55, "softmax": 21}
"""Of a decoder's layer, as ONNX Runtime runs it: causal attention (RFA: with a gate), cross attention, perceptron."""


def test_weights_lie_in_one_file_and_equal_ones_once(translator: Example) -> None:
    large = dict[tuple[tuple[int, ...], bytes], int]()
    for file in (ENCODER, STEP):
        for tensor in onnx.load(translator.bundle.path / file).graph.initializer:
            if nbytes(tensor) > 1024:
                large[tuple(tensor.dims), tensor.raw_data] = nbytes(tensor)
    assert (translator.bundle.path / WEIGHTS).stat().st_size == sum(large.values()) > 0


def test_sources_and_targets_share_the_file_of_one_embedding(translator: Example) -> None:
    places = {
        (entries["location"], entries["offset"])
        for file in (ENCODER, STEP)
        for tensor in graph(translator.bundle.path / file).initializer
        if tuple(tensor.dims) == (256, 16)
        for entries in [{entry.key: entry.value for entry in tensor.external_data}]
    }
    assert [location for location, _ in places] == [WEIGHTS]


@pytest.mark.parametrize("file", [ENCODER, STEP])
def test_no_graph_computes_shapes(translator: Example, file: str) -> None:
    assert not DEBRIS & set(operators(graph(translator.bundle.path / file)))


@pytest.mark.parametrize(("translator", "most"), MOST_NODES.items(), indirect=["translator"])
def test_onnx_runtime_runs_few_nodes_for_each_decoder_layer(translator: Example, most: int, tmp_path: Path) -> None:
    found = layer_of(running_graph(translator.bundle.path / STEP, tmp_path))
    assert 0 < found.total() <= most, found


def layer_of(running: onnx.GraphProto) -> Counter[str]:
    """The nodes from the first layer's first norm up to the second layer's, in the order in which they run."""
    norms = [place for place, node in enumerate(running.node) if node.op_type.endswith("LayerNormalization")]
    return Counter(node.op_type for node in running.node[norms[0] : norms[3]])


@pytest.mark.parametrize("translator", ["rfa"], indirect=True)
def test_one_row_reads_its_source_by_the_fast_product(translator: Example, tmp_path: Path) -> None:
    """A scale within the product makes it twice as slow for one row, three times as slow for 16."""
    running = running_graph(translator.bundle.path / STEP, tmp_path)
    readers = [node for node in running.node if any(name.startswith("cross_key_values") for name in node.input)]
    assert [node.op_type for node in readers] == ["MatMul", "MatMul"]
