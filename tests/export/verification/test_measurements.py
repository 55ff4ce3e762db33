"""What an export measures where it is asked to: drift from float64, and what rounded weights cost on a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import classifier, language_model

from rfa_export import tolerances
from rfa_export.errors import TargetError
from rfa_export.pipeline import Exported, export_task
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_export.verification.drift import measure_drift, powers_of_two
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import read_bundle

Measured = tuple[LanguageExport, Exported]
TEXT = "What is written here is read by both, byte by byte. " * 20


def ignore(_: str) -> None:
    pass


def export(task: TaskExport, folder: Path, **asked: object) -> Exported:
    return export_task(task, folder, byte_tokenizer(), progress=ignore, config=ExportConfig(**asked))


@pytest.fixture(scope="module", params=[True, False], ids=["gate", "no gate"])
def measured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LanguageExport, Exported]:
    task = LanguageExport(language_model({"gate": request.param, "head_dim": 16}), 16)
    return task, export(task, tmp_path_factory.mktemp("drift") / "model.rfa", drift=1000, text=TEXT)


def test_drift_is_looked_at_after_every_power_of_two(measured: Measured) -> None:
    rows = measured[1].report.drift
    assert [row.tokens for row in rows] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]
    for row in rows:
        assert 0 < row.state_error < tolerances.LOGITS_FLOAT32
        assert 0 < row.logits_error < tolerances.LOGITS_FLOAT32


def test_another_models_state_is_far_away(measured: Measured) -> None:
    other = LanguageExport(
        language_model({"gate": measured[0].module.config.attention.gate, "head_dim": 16, "seed": 1})
    )
    rows = measure_drift(other, read_bundle(measured[1].bundle), 64, ignore)
    assert max(row.state_error for row in rows) > 0.1


def test_figures_lie_in_the_manifest_and_in_the_report(measured: Measured) -> None:
    report, table = measured[1].report, read_bundle(measured[1].bundle).manifest.parity["ort"]
    assert table["drift"] == [row.as_table() for row in report.drift]
    assert table["perplexity"]["tokens"] == len(TEXT) - 1
    assert table["perplexity"]["ratio"] == pytest.approx(1, abs=tolerances.PERPLEXITY)
    lines = list(report.lines())
    assert "after 1,000" in lines[-2]
    assert lines[-1].startswith(f"perplexity on {len(TEXT) - 1:,} tokens: ")


@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
def test_rounded_weights_are_compared_with_the_models_own(precision: str, tmp_path: Path) -> None:
    """The floor keeps denominators from zero: near it, rounded activations are far from float64 with some weights."""
    task = LanguageExport(language_model({"head_dim": 16, "denominator_floor": 1.0}, mlp_width=32), 16)
    report = export(task, tmp_path / "model.rfa", precision=precision, text=TEXT, drift=8).report
    found = report.perplexity
    assert found is not None
    assert found.bundle != found.torch
    assert found.bundle == pytest.approx(found.torch, rel={"fp16": 0.001, "int8": 0.02, "int4": 0.2}[precision])
    assert all(row.logits_error < tolerances.LOGITS_INT8_ACTIVATIONS for row in report.drift)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_every_weight_of_a_classifier_is_rounded(precision: str, tmp_path: Path) -> None:
    model = classifier({"head_dim": 16}, mlp_width=32)
    config = model.config
    task = ClassifierExport(model, config.vocab_size, config.labels, config.pairs, config.max_tokens)
    # Standard operators round nothing but weights: the bound of float32 finds one that is rounded in torch alone.
    report = export(task, tmp_path / "model.rfa", precision=precision, targets=("onnx27",)).report
    assert "32 of 32 choices equal" in "".join(report.lines())


def test_a_float16_state_takes_half_the_memory_and_keeps_what_its_gates_keep(tmp_path: Path) -> None:
    task = LanguageExport(language_model({"gate": True}), 16)
    exported = export(task, tmp_path / "model.rfa", state="fp16", drift=16)
    (sums, normalizer, *_) = states = read_bundle(exported.bundle).manifest.state
    assert {state.dtype for state in states} == {"float16"}
    assert sums.row_bytes() + normalizer.row_bytes() == 2 * 2 * 32 * 9
    assert 1e-5 < exported.report.drift[-1].state_error < tolerances.STATE_FLOAT16


def test_a_float16_state_is_refused_where_gates_hardly_forget(tmp_path: Path) -> None:
    task = LanguageExport(language_model({"gate": True, "gate_bias": 12.0}), 16)
    with pytest.raises(TargetError, match=r"a float16 state is [0-9]+% off after .* forget so slowly"):
        export(task, tmp_path / "model.rfa", state="fp16")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("last", "found"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8])])
def test_powers_of_two_end_with_the_last(last: int, found: list[int]) -> None:
    assert list(powers_of_two(last)) == found


@pytest.mark.parametrize(("asked", "words"), [({"drift": 4}, "drift is that"), ({"text": TEXT}, "perplexity is that")])
def test_a_classifier_has_neither(asked: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=words):
        export(ClassifierExport(classifier(), 256, ("no", "perhaps", "yes")), tmp_path / "model.rfa", **asked)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"targets": ("abacus",)}, "wanted one or more of ort, onnx27, plain, genai, torchscript, mobile"),
        (
            {"targets": ("torchscript",), "precision": "int4"},
            "target torchscript cannot have int4 weights",
        ),
        ({"precision": "fp3"}, "precision 'fp3' came, wanted one of fp32, fp16, int8, int4"),
        ({"precision": "int4", "block_size": 100}, "blocks of 100 weights came, wanted one of 256, 128, 64, 32"),
        ({"block_size": 256}, "fp32 weights have no blocks: leave their size out, or choose int8 or int4"),
        ({"precision": "int4", "activations": "fp8"}, "activations 'fp8' came, wanted int8 or fp32"),
        ({"activations": "fp32"}, "fp32 weights are multiplied as floats: leave activations out"),
        ({"precision": "int4", "activations": "fp32", "throughput": True}, "multiplies 8-bit numbers"),
        ({"targets": ("plain",), "opset": 16}, "opset 16 came, fp32 weights in ordinary operators need 17 to 27"),
        ({"targets": ("plain",), "opset": 20, "precision": "int8"}, "int8 weights in ordinary operators need 21 to 27"),
        ({"opset": 18}, "only target plain has a choice"),
        ({"targets": ("ort", "mobile"), "precision": "fp16"}, "wanted fp32 or int8 or int4"),
        ({"targets": ("plain",), "drift": 8}, "measured with target ort"),
        ({"drift": -1}, "wanted a number above zero"),
        ({"state": "fp8"}, "state 'fp8' came, wanted fp32 or fp16"),
        ({"targets": ("ort", "torchscript"), "state": "fp16"}, "target torchscript has only float32 states"),
        ({"targets": ("plain",), "state": "fp16"}, "tried out with target ort"),
        (
            {"targets": ("torchscript",), "precision": "fp16"},
            "with fp16 there are the targets ort, onnx27, plain, genai, web, triton$",
        ),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_refused_at_once(asked: dict[str, object], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        ExportConfig(**asked)
