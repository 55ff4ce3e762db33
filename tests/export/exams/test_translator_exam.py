"""A translator's bundle that computes something else is found out, in whichever graph the fault is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from graph_files import Change, rewritten
from small_models import Example
from small_translators import ENCODER, STEP, every_setting
from torch import nn

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.exams.translation import TranslatorExam, translator_exam
from rfa_runtime.bundle.bundle import Bundle, read_bundle

rfa, softmax = (pytest.mark.parametrize("translator", [name], indirect=True) for name in ("rfa", "softmax"))


def node_of(graph: onnx.GraphProto, operator: str, place: int = 0) -> onnx.NodeProto:
    return [node for node in graph.node if node.op_type == operator][place]


def swap_sources(graph: onnx.GraphProto) -> None:
    """Each decoder layer reads what the encoder made for the other."""
    names = [f"cross_key_values.{layer}.recurrent_state" for layer in range(2)]
    readers = [next(node for node in graph.node if name in node.input) for name in names]
    for node, other in zip(readers, reversed(names), strict=True):
        node.input[1] = other


def read_padding(graph: onnx.GraphProto) -> None:
    """Leave the mask out of the first layer that multiplies by it."""
    masks = {"attention_mask"}
    for node in graph.node:
        if node.op_type in ("Reshape", "Cast") and node.input[0] in masks:
            masks.add(node.output[0])
        if node.op_type == "Mul" and masks & set(node.input):
            place = int(node.input[1] in masks)
            graph.initializer.append(onnx.numpy_helper.from_array(np.ones((1,) * 4, np.float32), "everything"))
            node.input[place] = "everything"
            return


def read_padded_keys(graph: onnx.GraphProto) -> None:
    node_of(graph, "MultiHeadAttention").input[4] = ""


def forget_the_past(graph: onnx.GraphProto) -> None:
    node_of(graph, "LinearAttention").input[3] = ""
    graph.node.append(onnx.helper.make_node("Identity", ["past_key_values.0.recurrent_state"], ["read"]))


def name_the_least_likely(graph: onnx.GraphProto) -> None:
    node_of(graph, "TopK").attribute.append(onnx.helper.make_attribute("largest", 0))


def name_an_unknown_operator(graph: onnx.GraphProto) -> None:
    graph.node[-1].op_type = "CubicAttention"


def exam_of(module: nn.Module, bundle: Bundle) -> TranslatorExam:
    return translator_exam(module, bundle.manifest.vocab_size)


def test_a_right_bundle_is_accepted_with_its_figures(translator: Example) -> None:
    parity = exam_of(translator.module, translator.bundle).verify(translator.bundle)
    assert parity.tokens_compared == 2 * (4 + 256), "two sources; a prefill in four pieces, then steps"
    assert parity.tokens_equal == parity.tokens_compared
    assert 0 < parity.max_relative_error <= tolerances.LOGITS_FLOAT32
    assert parity.as_table().items() <= translator.bundle.manifest.parity["ort"].items()


def assert_found_out(example: Example, folder: Path, file: str, change: Change, message: str) -> None:
    bundle = read_bundle(rewritten(example.bundle, folder, file, change))
    with pytest.raises(ParityError, match=message) as refused:
        exam_of(example.module, bundle).verify(bundle)
    assert str(refused.value).endswith("nothing was written")
    assert "\n" not in str(refused.value)


@rfa
@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (STEP, swap_sources, "the decoder on its own tokens differs from torch"),
        (STEP, forget_the_past, "the decoder on its own tokens differs from torch"),
        (STEP, name_the_least_likely, "the decoder names token [0-9]+, its logits say [0-9]+"),
        (STEP, name_an_unknown_operator, "the finished graphs do not run: ONNX Runtime cannot load model.onnx"),
        (ENCODER, read_padding, "the decoder differs from torch"),
        (ENCODER, name_an_unknown_operator, "the finished graphs do not run: ONNX Runtime cannot load encoder.onnx"),
    ],
)
def test_a_graph_that_computes_something_else_is_found_out(
    translator: Example, tmp_path: Path, file: str, change: Change, message: str
) -> None:
    assert_found_out(translator, tmp_path, file, change, message)


@softmax
@pytest.mark.parametrize("file", [ENCODER, STEP])
def test_keys_of_padding_are_not_read(translator: Example, tmp_path: Path, file: str) -> None:
    assert_found_out(translator, tmp_path, file, read_padded_keys, "the decoder differs from torch")


@rfa
def test_another_models_bundle_is_found_out(translator: Example) -> None:
    other = every_setting()
    other.encoder[0].attention.v_proj.weight.data.mul_(1.1)
    with pytest.raises(ParityError, match="differs from torch"):
        exam_of(other, translator.bundle).verify(translator.bundle)


@rfa
def test_a_module_that_cannot_translate_so_much_is_refused(
    translator: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object) -> None:
        raise MemoryError("out of memory\nand more")

    monkeypatch.setattr(type(translator.module), "encode", run_out)
    with pytest.raises(ParityError, match=r"Translator cannot translate 40 tokens to 320 in torch \(out of memory\)"):
        exam_of(translator.module, translator.bundle).verify(translator.bundle)
