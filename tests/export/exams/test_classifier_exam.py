"""A classifier's bundle that computes something else is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from graph_files import Change, rewritten
from small_models import Example, classifier

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.exams.classification import LONGEST, classifier_exam, random_texts
from rfa_export.tasks.classification import ClassifierExport
from rfa_runtime.bundle.bundle import Bundle, read_bundle


@pytest.fixture(scope="module")
def example(export_task: Callable[..., Bundle]) -> Example:
    model = classifier({"kind": "softmax"})
    return Example(model, export_task(ClassifierExport(model, 256, model.config.labels)))


def read_padding(graph: onnx.GraphProto) -> None:
    (node,) = (node for node in graph.node if node.op_type == "MultiHeadAttention")
    node.input[4] = ""


def turn_the_sign(graph: onnx.GraphProto) -> None:
    graph.node[-1].output[0] = "turned"
    graph.node.append(onnx.helper.make_node("Neg", ["turned"], ["logits"]))


def name_an_unknown_operator(graph: onnx.GraphProto) -> None:
    graph.node[-1].op_type = "CubicAttention"


def test_a_right_bundle_is_accepted_with_its_figures(example: Example) -> None:
    parity = classifier_exam(example.module, 256, 0, False).verify(example.bundle)
    assert parity.tokens_compared == parity.tokens_equal == 32
    assert 0 < parity.max_relative_error <= tolerances.LOGITS_FLOAT32
    assert parity.as_table().items() <= example.bundle.manifest.parity["ort"].items()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (read_padding, "the classifier differs from torch"),
        (turn_the_sign, "the classifier differs from torch"),
        (name_an_unknown_operator, "the finished graph does not run: ONNX Runtime cannot load model.onnx"),
    ],
)
def test_a_graph_that_computes_something_else_is_found_out(
    example: Example, tmp_path: Path, change: Change, message: str
) -> None:
    bundle = read_bundle(rewritten(example.bundle, tmp_path, "model.onnx", change))
    with pytest.raises(ParityError, match=message) as refused:
        classifier_exam(example.module, 256, 0, False).verify(bundle)
    assert str(refused.value).endswith("nothing was written")
    assert "\n" not in str(refused.value)


def test_random_texts_are_short_and_long_and_never_longer_than_the_model_reads() -> None:
    for limit, longest in ((0, LONGEST), (50, 50), (100_000, LONGEST)):
        lengths = [len(document) for text in random_texts(0, 256, limit, 2) for document in text]
        assert (min(lengths), max(lengths)) == (1, longest)
        assert sorted(lengths)[len(lengths) // 2] < longest / 2
