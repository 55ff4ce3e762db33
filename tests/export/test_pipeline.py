"""From a module to a bundle: whole and verified at its place, or nothing at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from small_models import Example, OneLayer
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfa_export import __version__, pipeline
from rfa_export.commands.inspection import inspect_bundle
from rfa_export.errors import ExportError, GraphError, ParityError
from rfa_export.exams.exam import Exam
from rfa_export.graph.draft import Drafts
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import Graphs
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.manifest import GraphSpec, Manifest
from rfa_runtime.commands.run import main as rfa_run
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


def test_an_export_passes_its_stages_and_says_what_it_made(gated_task: LanguageExport, tmp_path: Path) -> None:
    stages: list[str] = []
    exported = pipeline.export_task(gated_task, tmp_path / "model.rfa", progress=stages.append)
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


def test_a_module_is_exported_without_its_wrappers(tmp_path: Path) -> None:
    module = OneLayer()
    module.attention = torch.compile(module.attention)
    wrapped = nn.DataParallel(torch.compile(module))
    exported = pipeline.export_module(wrapped, tmp_path / "model.rfa", progress=ignore)
    assert read_bundle(exported.bundle).manifest.task == "language-model"


def test_nothing_is_written_where_the_bundle_computes_something_else(gated: Example, tmp_path: Path) -> None:
    old = shutil.copytree(gated.bundle.path, tmp_path / "old.rfa")
    before = contents(old)
    with pytest.raises(ParityError, match="differs from torch"):
        pipeline.export_module(MixesElsewhere(), old, overwrite=True, progress=ignore)
    assert names(tmp_path) == ["old.rfa"]
    assert contents(old) == before


@pytest.mark.parametrize("stage", ["trace", "rewrite", "save", "verify"])
def test_nothing_is_left_where_a_stage_fails(gated_task: LanguageExport, tmp_path: Path, stage: str) -> None:
    def fail(begun: str) -> None:
        if begun == stage:
            assert len(names(tmp_path)) == 2, "a folder and a lock to clear away"
            raise ExportError("as if")

    with pytest.raises(ExportError, match="as if"):
        pipeline.export_task(gated_task, tmp_path / "model.rfa", progress=fail)
    assert names(tmp_path) == []


class CannotBeExamined(LanguageExport):
    """Fails after the graphs are written."""

    def exam(self, manifest: Manifest) -> Exam:
        raise ParityError("as if")


class CannotBeRewritten(LanguageExport):
    """Fails before there is a graph."""

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        raise GraphError("as if")


@pytest.mark.parametrize("kind", [CannotBeExamined, CannotBeRewritten])
def test_nothing_is_left_where_a_task_fails(
    gated_task: LanguageExport, kind: type[LanguageExport], tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="as if"):
        pipeline.export_task(kind(gated_task.module), tmp_path / "model.rfa", progress=ignore)
    assert names(tmp_path) == []


def test_a_module_with_its_tokenizer_continues_text_and_may_be_exported_again(tmp_path: Path) -> None:
    folder = tmp_path / "mine.rfa"
    for overwrite in (False, True):
        pipeline.export_module(OneLayer(), folder, byte_tokenizer(), overwrite=overwrite, progress=ignore)
    result = CliRunner().invoke(rfa_run, [str(folder), "ab", "--max-new-tokens", "3", "--json"])
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["token_ids"]) == 3


def test_paths_may_be_strings(gated_task: LanguageExport, checkpoint: Checkpoint, folder: Path) -> None:
    exported = pipeline.export_task(gated_task, "new.rfa", progress=ignore)
    assert exported.bundle == Path("new.rfa")
    assert inspect_bundle("new.rfa") == inspect_bundle(read_bundle(Path("new.rfa")))


def test_paths_of_a_file_may_be_strings(folder: Path) -> None:
    (folder / "text.txt").write_text("a text to be measured with", encoding="utf-8")
    found = pipeline.export_file("model.pt", "file.rfa", text="text.txt", progress=ignore)
    assert found.bytes > 0
    assert found.report.perplexity is not None


def test_a_bundle_is_overwritten_only_when_asked_to(gated_task: LanguageExport, tmp_path: Path) -> None:
    folder = tmp_path / "model.rfa"
    pipeline.export_task(gated_task, folder, progress=ignore)
    before = contents(folder)
    with pytest.raises(BundleExistsError, match="exists: give another name, or overwrite=True"):
        pipeline.export_task(gated_task, folder, byte_tokenizer(), progress=pytest.fail)
    assert contents(folder) == before
    pipeline.export_task(gated_task, folder, byte_tokenizer(), overwrite=True, progress=ignore)
    assert "tokenizer.json" not in before
    assert "tokenizer.json" in names(folder)
    assert names(tmp_path) == ["model.rfa"]
