"""From a module to a bundle: whole and verified at its place, or nothing at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import Example, OneLayer
from tokenizers import Tokenizer
from torch import Tensor

from rfa_export import __version__, pipeline
from rfa_export.errors import ExportError, ParityError
from rfa_export.tasks import language as language_export
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.manifest import GraphSpec
from rfa_runtime.errors import BundleExistsError

PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class MixesElsewhere(OneLayer):
    """Carries something from token to token outside attention, which no state of ours knows."""

    def mix(self, x: Tensor) -> Tensor:
        return super().mix(x.cumsum(1))


def ignore(stage: str) -> None:
    """Progress that nobody follows."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("already_traced")
def test_an_export_passes_its_stages_and_says_what_it_made(checkpoint: Checkpoint, tmp_path: Path) -> None:
    stages: list[str] = []
    exported = pipeline.export(checkpoint, tmp_path / "model.rfa", progress=stages.append)
    assert stages == ["trace", "rewrite", "save", "verify"]
    assert exported.bundle == tmp_path / "model.rfa"
    assert exported.bytes == sum(path.stat().st_size for path in exported.bundle.iterdir())
    assert read_bundle(exported.bundle).manifest.parity == exported.report.as_table()
    assert names(tmp_path) == ["model.rfa"]


def test_the_manifest_says_what_is_needed_to_run(gated: Example) -> None:
    manifest, inputs = gated.bundle.manifest, ("input_ids", "position_ids")
    assert manifest.producer == f"rfa-export {__version__}"
    assert (manifest.task, manifest.vocab_size) == ("language-model", 256)
    assert manifest.graphs == {
        "model": GraphSpec("model.onnx", "ort", inputs, "last", ("logits", "top_logit", "top_token")),
        "score": GraphSpec("model.score.onnx", "ort", inputs, "all"),
    }
    assert manifest.scoring == {"segment_length": 16}
    assert sorted(manifest.files) == [
        "model.onnx",
        "model.onnx.data",
        "model.score.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_the_tokenizer_comes_along_unchanged(gated: Example, checkpoint: Checkpoint) -> None:
    found = Tokenizer.from_file(str(gated.bundle.path / "tokenizer.json"))
    assert found.to_str() == checkpoint.tokenizer.to_str()
    config = json.loads((gated.bundle.path / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_a_bundle_decodes_in_a_process_without_torch(gated: Example) -> None:
    code = (
        "import sys; from rfa_runtime.commands.run import main\n"
        f"main([{str(gated.bundle.path)!r}, 'ab', '--max-new-tokens', '3', '--json'], standalone_mode=False)\n"
        "print(sorted({'torch', 'onnx', 'rfa_models', 'rfa_export'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=PLACES, check=True)
    answer, heavy = found.stdout.splitlines()
    assert json.loads(answer)["completion_tokens"] == 3
    assert heavy == "[]"


def test_nothing_is_written_where_the_bundle_computes_something_else(gated: Example, tmp_path: Path) -> None:
    old = shutil.copytree(gated.bundle.path, tmp_path / "old.rfa")
    before = contents(old)
    with pytest.raises(ParityError, match="differs from torch"):
        pipeline.export_module(MixesElsewhere(), old, overwrite=True, progress=ignore)
    assert names(tmp_path) == ["old.rfa"]
    assert contents(old) == before


@pytest.mark.usefixtures("already_traced")
@pytest.mark.parametrize(
    ("module", "stage"),
    [
        (language_export, "check_step"),
        (pipeline, "save_graphs"),
        (language_export, "language_exam"),
        (language_export, "describe"),
    ],
)
def test_nothing_is_left_where_a_stage_fails(
    checkpoint: Checkpoint, tmp_path: Path, module: object, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        assert len(names(tmp_path)) == 1, "there is something to clear away"
        raise ExportError("as if")

    monkeypatch.setattr(module, stage, fail)
    with pytest.raises(ExportError, match="as if"):
        pipeline.export(checkpoint, tmp_path / "model.rfa", progress=ignore)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("already_traced")
def test_a_bundle_is_overwritten_only_when_asked_to(checkpoint: Checkpoint, gated: Example, tmp_path: Path) -> None:
    folder = tmp_path / "model.rfa"
    pipeline.export_module(gated.module, folder, progress=ignore)
    before = contents(folder)
    with pytest.raises(BundleExistsError, match="exists: give another name, or overwrite it"):
        pipeline.export(checkpoint, folder, progress=pytest.fail)
    assert contents(folder) == before
    pipeline.export(checkpoint, folder, overwrite=True, progress=ignore)
    assert "tokenizer.json" not in before
    assert "tokenizer.json" in names(folder)
    assert names(tmp_path) == ["model.rfa"]
