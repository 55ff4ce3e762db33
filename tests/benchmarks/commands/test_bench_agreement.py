"""`rfa-bench agreement`: a bundle's answers beside those of torch, row by row."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from rfa_bench.cli import main
from rfa_export.pipeline import export
from rfa_models.attention.config import AttentionConfig
from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from rfa_models.data.tokenizer import END, START, TokenizerConfig, byte_tokenizer, make_tokenizer
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_runtime.bundle.bundle import shipped_bundle

RFA = AttentionConfig(heads=2, head_dim=8, random_vectors=32)
SOFTMAX = replace(RFA, kind="softmax")


def agreement(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["agreement", *map(str, arguments), "--json"])


def random_model(task: str) -> Checkpoint:
    torch.manual_seed(0)
    if task == "translation":
        tokenizer = make_tokenizer(TokenizerConfig("byte"), [], (START, END))
        config = TranslatorConfig(258, 1, 1, 32, encoder_attention=SOFTMAX, causal_attention=RFA, cross_attention=RFA)
        return Checkpoint(Translator(config).eval(), tokenizer)
    config = ClassifierConfig(256, ("no", "yes"), 1, 32, attention=RFA)
    return Checkpoint(Classifier(config).eval(), byte_tokenizer())


@pytest.mark.parametrize(
    ("task", "rows", "metric"),
    [
        ("translation", "one two\teins zwei\nthree\tdrei\n", "BLEU"),
        ("classification", "a text\tno\nanother one\tyes\nshort\tno\n", "accuracy"),
    ],
)
def test_every_answer_is_compared_with_torch(task: str, rows: str, metric: str, tmp_path: Path) -> None:
    checkpoint, bundle, data = tmp_path / "model.pt", tmp_path / "model.rfa", tmp_path / "rows.tsv"
    data.write_text(rows)
    save_checkpoint(random_model(task), checkpoint)
    export(load_checkpoint(checkpoint), bundle, progress=lambda _: None)
    found = json.loads(agreement(checkpoint, bundle, data).stdout)
    assert found["items"] == found["equal"] == rows.count("\n")
    assert found["metric"] == metric
    assert found["torch"] == pytest.approx(found["bundle"])


def test_other_weights_do_not_agree(tmp_path: Path) -> None:
    data = tmp_path / "rows.tsv"
    data.write_text("one two\teins zwei\nthree\tdrei\n")
    export(random_model("translation"), tmp_path / "model.rfa", progress=lambda _: None)
    other = random_model("translation")
    with torch.no_grad():
        other.model.embedding.tokens.weight.copy_(other.model.embedding.tokens.weight.flip(0))
    save_checkpoint(other, tmp_path / "other.pt")
    assert json.loads(agreement(tmp_path / "other.pt", tmp_path / "model.rfa", data).stdout)["equal"] == 0


def test_a_language_model_gives_no_answers_and_is_refused(tmp_path: Path) -> None:
    save_checkpoint(
        Checkpoint(LanguageModel(ModelConfig(256, 1, 32, attention=RFA)), byte_tokenizer(), 8), tmp_path / "m.pt"
    )
    (tmp_path / "a.tsv").write_text("a\tb\n")
    result = agreement(tmp_path / "m.pt", shipped_bundle(), tmp_path / "a.tsv")
    assert result.exit_code == 2
    assert "stories.rfa is a language model: compare" in result.stderr.splitlines()[-1]
