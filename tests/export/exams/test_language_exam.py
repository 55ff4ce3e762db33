"""A bundle that computes something else is found out, whatever is wrong with it; rounding is not held against it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from small_models import Example, OneLayer, language_model
from torch import Tensor, nn

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.exams.language import language_exam
from rfa_models.attention.config import AUTHORS
from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle

STEP, SCORE, WEIGHTS = "model.onnx", "model.score.onnx", "model.onnx.data"
Change = Callable[[onnx.GraphProto], None]


@pytest.fixture
def example(authors: Example) -> Example:
    """In its second layer the floor is always in use: else a wrong scale would cancel in the division."""
    return authors


@pytest.fixture
def rewritten(example: Example, tmp_path: Path) -> Callable[..., Path]:
    """The bundle with other files in place of its own; sums and manifest are right again."""

    def write(**contents: bytes) -> Path:
        files = {name: (example.bundle.path / name).read_bytes() for name in example.bundle.manifest.files}
        write_bundle(tmp_path / "model.rfa", example.bundle.manifest, files | contents)
        return tmp_path / "model.rfa"

    return write


def changed(bundle: Bundle, file: str, change: Change) -> dict[str, bytes]:
    model = onnx.load(bundle.path / file, load_external_data=False)
    before = model.SerializeToString()
    change(model.graph)
    assert model.SerializeToString() != before
    return {file: model.SerializeToString()}


def attention_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type == "LinearAttention"]


def swap_presents(graph: onnx.GraphProto) -> None:
    first, _, second, _ = attention_nodes(graph)
    first.output[1], second.output[1] = second.output[1], first.output[1]


def swap_pasts(graph: onnx.GraphProto) -> None:
    first, _, second, _ = attention_nodes(graph)
    first.input[3], second.input[3] = second.input[3], first.input[3]


def double_the_scale(graph: onnx.GraphProto) -> None:
    (scale,) = (attribute for attribute in attention_nodes(graph)[1].attribute if attribute.name == "scale")
    scale.f *= 2


def forget_the_past(graph: onnx.GraphProto) -> None:
    attention_nodes(graph)[0].input[3] = ""
    node = graph.node.add()
    node.CopyFrom(onnx.helper.make_node("Identity", ["past_key_values.0.recurrent_state"], ["read"]))


def give_the_first_position(graph: onnx.GraphProto) -> None:
    (cut,) = (node for node in graph.node if node.op_type == "Slice")
    for place, bound in ((1, 0), (2, 1)):
        cut.input[place] = f"bound_{bound}"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([bound]), f"bound_{bound}"))


def name_the_least_likely(graph: onnx.GraphProto) -> None:
    (search,) = (node for node in graph.node if node.op_type == "TopK")
    search.attribute.append(onnx.helper.make_attribute("largest", 0))


def name_an_unknown_operator(graph: onnx.GraphProto) -> None:
    attention_nodes(graph)[0].op_type = "CubicAttention"


def test_a_right_bundle_is_accepted_with_its_figures(example: Example) -> None:
    parity = language_exam(example.module, 256).verify(example.bundle)
    assert parity.tokens_compared == 2 * (4 + 256), "two rows; a prefill in four pieces, then steps"
    assert parity.tokens_equal == parity.tokens_compared
    assert 0 < parity.max_relative_error <= tolerances.LOGITS_FLOAT32
    assert parity.runtime.startswith("onnxruntime ")
    assert parity.as_table().items() <= example.bundle.manifest.parity["ort"].items()


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (STEP, swap_presents, "the step graph differs from torch"),
        (STEP, swap_pasts, "the step graph differs from torch"),
        (STEP, double_the_scale, "the step graph differs from torch"),
        (SCORE, double_the_scale, "the scoring graph differs from torch"),
        (STEP, forget_the_past, "the step graph differs from torch"),
        (STEP, give_the_first_position, "the step graph differs from torch"),
        (STEP, name_the_least_likely, "the step graph names token [0-9]+, its logits say [0-9]+"),
        (STEP, name_an_unknown_operator, "the finished graph does not run: ONNX Runtime cannot load model.onnx"),
        (SCORE, name_an_unknown_operator, "the finished graph does not run: ONNX Runtime cannot load model.score.onnx"),
    ],
)
def test_a_graph_that_computes_something_else_is_found_out(
    example: Example, rewritten: Callable[..., Path], file: str, change: Change, message: str
) -> None:
    folder = rewritten(**changed(example.bundle, file, change))
    with pytest.raises(ParityError, match=message) as refused:
        language_exam(example.module, 256).verify(read_bundle(folder))
    assert str(refused.value).endswith("nothing was written")
    assert "\n" not in str(refused.value)


def test_one_changed_weight_is_found_out(example: Example, rewritten: Callable[..., Path]) -> None:
    weights = np.frombuffer((example.bundle.path / WEIGHTS).read_bytes(), np.float32).copy()
    weights[np.abs(weights).argmax()] *= 1.1
    with pytest.raises(ParityError, match="differs from torch by"):
        language_exam(example.module, 256).verify(read_bundle(rewritten(**{WEIGHTS: weights.tobytes()})))


def test_another_models_bundle_is_found_out(example: Example) -> None:
    with pytest.raises(ParityError):
        language_exam(language_model(AUTHORS | {"seed": 1}, positions="none"), 256).verify(example.bundle)


def test_the_module_is_left_as_it_was(example: Example) -> None:
    module = example.module.train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    language_exam(module, 256).verify(example.bundle)
    assert module.training
    for name, tensor in module.eval().state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, before[name])


class ShortTable(OneLayer):
    """Positions from a table that ends."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(64, 16)

    def forward(self, input_ids: Tensor, position_ids: Tensor) -> Tensor:
        return self.head(self.mix(self.embedding(input_ids) + self.table(position_ids)))


def test_a_module_that_cannot_read_so_long_a_text_is_refused(example: Example) -> None:
    with pytest.raises(ParityError, match=re.escape("ShortTable cannot read 320 tokens in torch (index out of range")):
        language_exam(ShortTable(), 256).verify(example.bundle)
