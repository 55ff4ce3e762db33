"""What torch makes of a module, and one line on every module that cannot become a step graph."""

from __future__ import annotations

import logging
from collections.abc import Callable

import onnx_ir as ir
import pytest
import torch
from small_models import OneLayer
from torch import Tensor, nn

from rfa_export.errors import TraceError
from rfa_export.graph.edit import dims
from rfa_export.tasks.language import trace_language_model
from rfa_export.tracing.trace import TensorSpec, reason, trace
from rfa_models.attention import operators


class WithPositions(OneLayer):
    """Positions are not its second argument."""

    def forward(self, input_ids: Tensor, dropped: Tensor | None = None, position_ids: Tensor | None = None) -> Tensor:
        return self.head(self.mix(self.embedding(input_ids) + position_ids.unsqueeze(-1).sin()))


class WithoutAttention(OneLayer):
    def mix(self, x: Tensor) -> Tensor:
        return x


class DependsOnData(OneLayer):
    def mix(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else super().mix(x)


class BeginsElsewhere(OneLayer):
    def mix(self, x: Tensor) -> Tensor:
        return self.attention(x, None, self.attention(x[:, :1])[1])[0]


class ReturnsTable(OneLayer):
    def forward(self, input_ids: Tensor) -> dict[str, Tensor]:
        return {"logits": super().forward(input_ids)}


class OtherName(OneLayer):
    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens)


def modes(module: nn.Module) -> list[bool]:
    return [part.training for part in module.modules()]


@pytest.fixture
def undecided() -> nn.Module:
    """A module of which one part is in training and another is not."""
    module = OneLayer(gate=True).train()
    module.head.eval()
    return module


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What any logger would write; torch's trace of itself, which has no messages, goes to files for its developers."""
    lines: list[str] = []

    def keep(logger: logging.Logger, record: logging.LogRecord) -> None:
        if logger.name != "torch.__trace":
            lines.append(record.getMessage())

    monkeypatch.setattr(logging.Logger, "callHandlers", keep)
    return lines


def names(values: object) -> list[str]:
    return [value.name for value in values]


def test_a_traced_graph_attends_from_an_empty_state(undecided: nn.Module) -> None:
    before = modes(undecided)
    model = trace_language_model(undecided)
    assert modes(undecided) == before
    assert names(model.graph.inputs) == ["input_ids"]
    assert names(model.graph.outputs) == ["logits"]
    assert dims(model.graph.inputs[0]) == ["batch", "sequence"]
    assert dims(model.graph.outputs[0]) == ["batch", "sequence", 256]
    sums, normalizer = (node for node in model.graph if node.op_type == "LinearAttention")
    assert sums.inputs[:2] == normalizer.inputs[:2]
    for node in (sums, normalizer):
        assert node.inputs[3] is None
        assert not node.outputs[1].uses()
        assert {key: value.value for key, value in node.attributes.items()} == {
            "q_num_heads": 2,
            "kv_num_heads": 2,
            "scale": 1 / 16,
            "update_rule": "gated",
        }
    assert model.opset_imports["com.microsoft"] == 1


def test_positions_are_an_input_where_the_module_takes_them() -> None:
    model = trace_language_model(WithPositions())
    assert names(model.graph.inputs) == ["input_ids", "position_ids"]
    assert {(*dims(value), value.dtype) for value in model.graph.inputs} == {("batch", "sequence", ir.DataType.INT64)}
    assert model.graph.inputs[1].uses()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (WithoutAttention, "WithoutAttention has no RfaAttention or SoftmaxAttention in it: nothing carries a state"),
        (DependsOnData, "DependsOnData cannot be traced: Could not guard on data-dependent expression"),
        (BeginsElsewhere, "cannot be traced: attention is called with a `past_state`: the exporter threads the state"),
        (ReturnsTable, "ReturnsTable returns a dict, wanted one tensor: the logits"),
        (OtherName, "OtherName.forward takes (tokens), wanted input_ids, and position_ids where"),
        (lambda: OneLayer().double(), "OneLayer: embedding.weight is torch.float64 on cpu, wanted float32 on the CPU"),
        (
            lambda: OneLayer().to("meta"),
            "OneLayer: embedding.weight is torch.float32 on meta, wanted float32 on the CPU",
        ),
    ],
)
def test_a_module_that_cannot_become_a_step_graph_is_refused_in_one_line(
    build: Callable[[], nn.Module], message: str, capfd: pytest.CaptureFixture[str], log: list[str]
) -> None:
    module = build().train()
    with pytest.raises(TraceError) as refused:
        trace_language_model(module)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert all(modes(module))
    assert operators.current() is operators.IN_TORCH
    assert capfd.readouterr() == ("", "")
    assert log == []


class Several(nn.Module):
    """Takes a tensor and a row of others, gives two."""

    def forward(self, ids: Tensor, rows: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        return ids + 1, torch.cat(rows, -1) * 2


SEVERAL = {
    "ids": TensorSpec("input_ids", ("batch", "sequence")),
    "rows": tuple(TensorSpec(f"row.{n}", ("batch", "source", 4), torch.float32) for n in range(2)),
}


def test_tensors_have_names_types_and_free_dimensions() -> None:
    model = trace(Several(), SEVERAL, ["more", "both"])
    assert [(value.name, dims(value), value.dtype) for value in model.graph.inputs] == [
        ("input_ids", ["batch", "sequence"], ir.DataType.INT64),
        ("row.0", ["batch", "source", 4], ir.DataType.FLOAT),
        ("row.1", ["batch", "source", 4], ir.DataType.FLOAT),
    ]
    assert [(value.name, dims(value)) for value in model.graph.outputs] == [
        ("more", ["batch", "sequence"]),
        ("both", ["batch", "source", 8]),
    ]


def test_every_tensor_that_is_returned_needs_a_name() -> None:
    with pytest.raises(TraceError, match="the translator returns 2 tensors, wanted 1"):
        trace(Several(), SEVERAL, ["more"], title="the translator")


def test_the_reason_is_the_first_line_of_the_innermost_cause() -> None:
    inner, outer = ValueError("\nwhat happened\nand more"), RuntimeError("torch failed")
    outer.__cause__ = inner
    assert reason(outer) == "what happened"
    assert reason(KeyError()) == "KeyError"
