"""A converted model's checkpoint becomes a bundle that tells where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from others_models import LLAMA, llama_tensors, write_folder

from rfa_export.commands.inspection import inspect_bundle
from rfa_export.pipeline import export_file, notes_on_length
from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.teaching.conversion import convert_softmax
from rfa_models.teaching.student_config import StudentConfig, TeachingConfig


def test_a_softmax_model_becomes_a_bundle(tmp_path: Path) -> None:
    teacher = write_folder(tmp_path / "llama", LLAMA, llama_tensors())
    teaching = TeachingConfig(tokens=256, length=16, held_out=8)
    converted = convert_softmax(teacher, tmp_path / "a.pt", student=StudentConfig(random_vectors=8), teaching=teaching)
    export_file(tmp_path / "a.pt", tmp_path / "a.rfa", progress=lambda _: None)
    found = inspect_bundle(tmp_path / "a.rfa")
    assert found.conversion == converted.report.as_table()
    assert found.special_ids["eos"] == 2
    assert "was trained with texts of up to 32 tokens: it goes on beyond them, untrained" in found.notes
    assert '"chat_template"' in (tmp_path / "a.rfa" / "tokenizer_config.json").read_text()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ()),
        (
            {"trained_length": 1024},
            ("was trained with texts of up to 1,024 tokens: it goes on beyond them, untrained",),
        ),
        (
            {"trained_length": 1024, "positions": "learned"},
            ("has 1,024 learned positions: later tokens take the last one's, untrained",),
        ),
    ],
)
def test_length_is_spoken_of(settings: dict[str, object], words: tuple[str, ...]) -> None:
    assert notes_on_length(ModelConfig(vocab_size=8, attention=AttentionConfig(), **settings)) == words
