"""What the tests share that ask a GPU: a skip where there is none, and the bundles that they ask it about."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import onnxruntime
import pytest
from pages import ROOT
from small_models import classifier
from small_translators import TRANSLATORS
from torch import nn

from rfa_export import pipeline
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.translation import TranslatorExport
from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import Bundle, read_bundle

TRAINED = ROOT / "models" / "pretrained" / "shakespeare.pt"


@pytest.fixture
def cuda() -> None:
    """Skip a test where ONNX Runtime has no CUDA.  Where it has, a device that does not work is a failure."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has no CUDAExecutionProvider: docs/gpu.md says how to install it")


@pytest.fixture(scope="session")
def language(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Export the trained language model, once for each configuration."""

    @cache
    def run(**settings: Any) -> Bundle:
        folder = tmp_path_factory.mktemp("language") / "model.rfa"
        config = ExportConfig(**settings)
        pipeline.export(load_checkpoint(TRAINED), folder, progress=lambda _: None, config=config)
        return read_bundle(folder)

    return run


@pytest.fixture(scope="session")
def translation(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """Export a small translator, each kind once."""

    @cache
    def run(kind: str) -> Bundle:
        folder = tmp_path_factory.mktemp("translation") / "model.rfa"
        pipeline.export_task(TranslatorExport(TRANSLATORS[kind]()), folder, progress=lambda _: None)
        return read_bundle(folder)

    return run


@pytest.fixture(scope="session")
def classification(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """Export a small classifier, each kind once."""

    @cache
    def run(kind: str) -> Bundle:
        folder = tmp_path_factory.mktemp("classification") / "model.rfa"
        module: nn.Module = classifier({"kind": kind})
        pipeline.export(Checkpoint(module, byte_tokenizer(), 16), folder, progress=lambda _: None)
        return read_bundle(folder)

    return run
