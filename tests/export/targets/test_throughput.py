"""A bundle with a graph for many tokens and rows: who takes it, when, and what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import classifier, language_model

from rfa_export.errors import TargetError
from rfa_export.pipeline import export_task
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import MODEL, THROUGHPUT
from rfa_runtime.session.step import MANY_TEXTS, MANY_TOKENS, StepSession

IDS = np.random.default_rng(0).integers(0, 256, (1, 4 * MANY_TOKENS))
STEADY = {"heads": 4, "gate": True, "denominator": "clamp", "denominator_floor": 1.0}
"""Near zero, a denominator makes any number of any rounding."""
LABELS = ("no", "perhaps", "yes")
ROUNDED = 0.05
"""Of the largest logit: rows of 8 bits, weights of 4 and 7."""


def exported(task: TaskExport, folder: Path, precision: str = "int4") -> Bundle:
    config = ExportConfig(precision=precision, block_size=32, throughput=True)
    return read_bundle(export_task(task, folder, progress=lambda _: None, config=config).bundle)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    task = LanguageExport(language_model(STEADY, mlp_width=32), 16)
    return exported(task, tmp_path_factory.mktemp("throughput") / "model.rfa")


def files_that_ran(session: StepSession, rows: int, tokens: int) -> str:
    """The graph's file that takes a step of so many tokens."""
    state = session.new_state(rows)
    session.step(np.ones((rows, tokens), np.int64), state)
    return session._bindings[state].graph.spec.file


@pytest.mark.parametrize(
    ("rows", "tokens", "file"),
    [
        (1, MANY_TOKENS - 1, "model.onnx"),
        (1, MANY_TOKENS, "model.throughput.onnx"),
        (MANY_TEXTS - 1, 1, "model.onnx"),
        (MANY_TEXTS, 1, "model.throughput.onnx"),
        (4, MANY_TOKENS // 4, "model.throughput.onnx"),
    ],
)
def test_rows_times_tokens_decide_alone(bundle: Bundle, rows: int, tokens: int, file: str) -> None:
    assert files_that_ran(StepSession(bundle, threads=1), rows, tokens) == file


def test_a_graph_that_was_asked_for_takes_every_step(bundle: Bundle) -> None:
    assert files_that_ran(StepSession(bundle, threads=1, graph=THROUGHPUT), 1, 1) == "model.throughput.onnx"


def test_both_graphs_read_and_write_one_state(bundle: Bundle) -> None:
    few = StepSession(bundle, threads=1)
    state = few.new_state()
    for token in IDS[0]:
        wanted = few.step_token(int(token), state)
    many = StepSession(bundle, threads=1)
    mixed = many.new_state()
    many.step(IDS[:, :MANY_TOKENS], mixed)
    for place in range(MANY_TOKENS, 2 * MANY_TOKENS):
        many.step_token(int(IDS[0, place]), mixed)
    found = many.step(IDS[:, 2 * MANY_TOKENS :], mixed)
    assert np.abs(found - wanted).max() <= ROUNDED * np.abs(wanted).max()


def test_however_a_prompt_is_cut_its_logits_are_the_same(bundle: Bundle) -> None:
    found = []
    for piece in (MANY_TOKENS, 2 * MANY_TOKENS, 4 * MANY_TOKENS):
        session = StepSession(bundle, threads=1)
        state = session.new_state()
        for start in range(0, IDS.shape[1], piece):
            logits = session.step(IDS[:, start : start + piece], state)
        found.append(logits.copy())
    for logits in found:
        np.testing.assert_allclose(logits, found[0], rtol=1e-4, atol=1e-4 * np.abs(found[0]).max())


def test_a_bundle_without_one_takes_its_only_graph(tmp_path: Path) -> None:
    task = LanguageExport(language_model({}), 16)
    folder = export_task(task, tmp_path / "model.rfa", progress=lambda _: None).bundle
    assert THROUGHPUT not in read_bundle(folder).manifest.graphs
    assert files_that_ran(StepSession(folder, threads=1), 1, MANY_TOKENS) == "model.onnx"


def test_a_classifier_reads_whole_texts_with_its_only_graph(tmp_path: Path) -> None:
    made = exported(
        ClassifierExport(classifier(STEADY | {"gate": False}, mlp_width=32), 256, LABELS),
        tmp_path / "model.rfa",
        "int8",
    )
    assert set(made.manifest.graphs) == {MODEL}
    assert b"MatMulIntegerToFloat" in (made.path / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"throughput": True}, "it multiplies whole numbers: choose precision='int8' or precision='int4'"),
        ({"throughput": True, "precision": "fp16"}, "a graph for throughput came with fp16 weights"),
        ({"throughput": True, "precision": "int4", "targets": ("plain",)}, "is part of target ort: add it"),
    ],
)
def test_what_cannot_have_one_is_refused_at_once(asked: dict[str, object], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        ExportConfig(**asked)
