"""The rule of passes: stages leave the graphs that they were given as they are, and copies share their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx_ir as ir
import pytest
from small_graphs import normal, operators, small_graph
from small_models import Example, classifier
from small_translators import every_setting

from rfa_export.graph.draft import Draft, Drafts
from rfa_export.graph.edit import nodes_of
from rfa_export.graph.rounding.round_weights import round_weights
from rfa_export.precision import PRECISIONS
from rfa_export.targets.registry import REGISTRY
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.translation import TranslatorExport
from rfa_runtime.bundle.interface import SCORE
from rfa_runtime.bundle.manifest import StateSpec


def assert_left_as_they_are(graphs: Mapping[str, ir.Model], stage: Callable[[], object]) -> None:
    before = {role: ir.to_proto(model.graph) for role, model in graphs.items()}
    stage()
    assert {role: ir.to_proto(model.graph) for role, model in graphs.items()} == before


@pytest.fixture(scope="module")
def finished(gated: Example, traced: ir.Model) -> tuple[Drafts, tuple[StateSpec, ...]]:
    drafts, manifest = LanguageExport(gated.module, 16).rewrite({SCORE: traced})
    return drafts, manifest.state


def test_a_language_model_is_rewritten_from_a_copy(gated: Example, traced: ir.Model) -> None:
    task = LanguageExport(gated.module, 16)
    assert_left_as_they_are({SCORE: traced}, lambda: task.rewrite({SCORE: traced}))


@pytest.mark.parametrize(
    "task",
    [ClassifierExport(classifier(), 256, ("no", "perhaps", "yes")), TranslatorExport(every_setting())],
    ids=["classifier", "translator"],
)
def test_other_models_are_rewritten_from_a_copy(task: ClassifierExport | TranslatorExport) -> None:
    traced = task.trace()
    assert_left_as_they_are(traced, lambda: task.rewrite(traced))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_are_rounded_in_a_copy(precision: str, finished: tuple[Drafts, object]) -> None:
    drafts, _ = finished
    graphs = {role: draft.model for role, draft in drafts.items()}
    assert_left_as_they_are(graphs, lambda: round_weights(drafts, PRECISIONS[precision]))


@pytest.mark.parametrize("target", REGISTRY)
def test_a_target_lowers_a_copy(target: str, finished: tuple[Drafts, tuple[StateSpec, ...]]) -> None:
    drafts, states = finished
    graphs = {role: draft.model for role, draft in drafts.items()}
    assert_left_as_they_are(graphs, lambda: REGISTRY[target].lower(drafts, states))


def test_a_draft_after_some_passes_shares_its_weights_with_the_one_before() -> None:
    def negate_last(model: ir.Model) -> None:
        nodes_of(model, "Abs")[0].op_type = "Neg"

    text = "g (float[2, 4] x) => (float[2, 4] y) { h = MatMul (x, w) y = Abs (h) }"
    draft = Draft(small_graph(text, w=normal(4, 4)), "all")
    changed = draft.after(negate_last)
    assert operators(draft.model) == ["MatMul", "Abs"]
    assert operators(changed.model) == ["MatMul", "Neg"]
    assert changed.model.graph.initializers["w"].const_value is draft.model.graph.initializers["w"].const_value
    assert changed.logits == "all"
