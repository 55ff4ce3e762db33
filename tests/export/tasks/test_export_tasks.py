"""`rfa-export` takes a checkpoint of any task, and the runtime does with its bundle what the model is for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_models import classifier, translator

from rfa_export.commands import export as cli
from rfa_models.checkpoints.checkpoint import Checkpoint, save_checkpoint
from rfa_models.data.tokenizer import CLASS, END, START, bpe_tokenizer, byte_tokenizer
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.tasks.classification import Classifier
from rfa_runtime.tasks.translation import Translator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(checkpoint: Checkpoint) -> dict[str, object]:
    save_checkpoint(checkpoint, Path("model.pt"))
    result = CliRunner().invoke(cli.main, ["model.pt", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_translator(folder: Path) -> None:
    tokenizer = bpe_tokenizer(["one two three"], 300, (START, END))
    sizes = {"vocab_size": tokenizer.get_vocab_size(), "decoder_layers": 1}
    found = export(Checkpoint(translator("softmax", "softmax", **sizes), tokenizer))
    bundle = read_bundle(folder / "model.rfa")
    assert found["parity"] == bundle.manifest.parity
    assert "tokenizer.json" in bundle.manifest.files
    assert (bundle.manifest.special_ids.bos, bundle.manifest.special_ids.eos) == (0, 1)
    assert Translator(bundle, threads=1).translate("two three").token_ids


def test_a_classifier(folder: Path) -> None:
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens([CLASS])
    model = classifier({"kind": "softmax"}, pooling="first", vocab_size=257)
    found = export(Checkpoint(model, tokenizer))
    bundle = read_bundle(folder / "model.rfa")
    assert found["parity"] == bundle.manifest.parity
    assert Classifier(bundle, threads=1).classify("a text").label in model.config.labels
