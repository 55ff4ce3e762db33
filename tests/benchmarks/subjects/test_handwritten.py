"""The step graph that is written by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx

from rfa_bench.subjects.handwritten import write_step_graph
from rfa_bench.subjects.shapes import SIZES

VIEWS = ("Reshape", "Unsqueeze")


def operators(file: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(file, load_external_data=False).graph.node)


def test_hand_written_graph_has_the_operators_of_the_exported_one(twins: Path, tmp_path: Path) -> None:
    write_step_graph(SIZES["tiny"], tmp_path / "hand.onnx")
    hand = operators(tmp_path / "hand.onnx")
    exported = operators(twins / "rfa-fp32.rfa" / "model.onnx")
    assert sum(hand.pop(view, 0) for view in VIEWS) == sum(exported.pop(view, 0) for view in VIEWS)
    assert hand == exported
