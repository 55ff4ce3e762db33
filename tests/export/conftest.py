"""What the tests of rfa_export share: one thread, and models that are traced once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import onnx_ir as ir
import pytest
import torch
from small_models import Example, attention_config, disturbed, language_model
from small_translators import TRANSLATORS
from tokenizers import Tokenizer
from torch import nn
from traced_once import tracing_once

from rfa_export import pipeline
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_export.tasks.translation import TranslatorExport
from rfa_models.attention.causal import RfaAttention
from rfa_models.attention.config import AUTHORS
from rfa_models.checkpoints.checkpoint import Checkpoint, save_checkpoint
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import SCORE


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def one_trace() -> Iterator[None]:
    with tracing_once():
        yield


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Callable[[nn.Module], Bundle]:
    """Export a module; its progress goes nowhere."""

    def run(module: nn.Module, **options: Any) -> Bundle:
        folder = tmp_path_factory.mktemp("export") / "model.rfa"
        pipeline.export_module(module, folder, progress=lambda stage: None, **options)
        return read_bundle(folder)

    return run


@pytest.fixture(scope="session")
def export_task(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Export what a task makes of its module."""

    def run(task: TaskExport, tokenizer: Tokenizer | None = None) -> Bundle:
        folder = tmp_path_factory.mktemp("export") / "model.rfa"
        pipeline.export_task(task, folder, tokenizer, progress=lambda stage: None)
        return read_bundle(folder)

    return run


@pytest.fixture(scope="session")
def translator_of(export_task: Callable[..., Bundle]) -> Callable[[str], Example]:
    """Export a translator, each kind once."""

    @cache
    def run(kind: str) -> Example:
        model = TRANSLATORS[kind]()
        return Example(model, export_task(TranslatorExport(model)))

    return run


@pytest.fixture(params=TRANSLATORS)
def translator(request: pytest.FixtureRequest, translator_of: Callable[[str], Example]) -> Example:
    """A translator of each kind; a test asks for one of them by `indirect`."""
    return translator_of(request.param)


@pytest.fixture(scope="session")
def gated_task() -> LanguageExport:
    """The language model of the defaults, with a gate and two layers."""
    return LanguageExport(language_model({"gate": True}), segment_length=16)


@pytest.fixture(scope="session")
def gated(gated_task: LanguageExport, export_task: Callable[..., Bundle]) -> Example:
    """The same model and its bundle, with a tokenizer."""
    return Example(gated_task.module, export_task(gated_task, byte_tokenizer()))


@pytest.fixture(scope="session")
def traced(gated_task: LanguageExport) -> ir.Model:
    """Its graph as torch gives it."""
    return gated_task.trace()[SCORE]


@pytest.fixture(scope="session")
def authors(export: Callable[..., Bundle]) -> Example:
    """The constants of the authors' code, without gate and then with: there, every denominator is below the floor."""
    model = language_model(AUTHORS, positions="none")
    model.blocks[1].attention = disturbed(RfaAttention(attention_config(gate=True, **AUTHORS)))
    return Example(model, export(model))


@pytest.fixture(scope="session")
def checkpoint(gated: Example) -> Checkpoint:
    return Checkpoint(gated.module, byte_tokenizer(), 16, {"steps": 3})


@pytest.fixture(scope="session")
def model_pt(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A checkpoint's file."""
    path = tmp_path_factory.mktemp("checkpoint") / "model.pt"
    save_checkpoint(checkpoint, path)
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path, model_pt: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with nothing but `model.pt` in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.pt").write_bytes(model_pt)
    return tmp_path
