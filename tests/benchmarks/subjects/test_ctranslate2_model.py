"""The translator for CTranslate2 has as many weights as ours, and translates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")

from rfa_bench.measurements import ctranslate2
from rfa_bench.measurements.translate import TranslationPlan
from rfa_bench.subjects.ctranslate2_model import POSITIONS, write_ctranslate2
from rfa_bench.subjects.shapes import TRANSLATORS, softmax_translator
from rfa_models.networks.translator import Translator

FLOAT_BYTES = 4
ROOM = 1 << 15
"""For names and scales."""


def test_the_file_has_the_bytes_of_our_weights(tmp_path: Path) -> None:
    config = TRANSLATORS["tiny"]
    folder = write_ctranslate2(config, tmp_path / "model")
    width = config.encoder_attention.width
    with torch.device("meta"):
        ours = sum(parameter.numel() for parameter in Translator(softmax_translator(config)).parameters())
    shared = 2 * config.vocab_size * width if config.tie_embeddings else 0
    theirs = ours + shared + 2 * POSITIONS * width
    assert abs((folder / "model.bin").stat().st_size - FLOAT_BYTES * theirs) < ROOM


def test_every_pair_of_lengths_is_measured(tmp_path: Path) -> None:
    plan = TranslationPlan([4, 9], [1, 5], batch=2, threads=1, rounds=2, burst=1)
    rows = ctranslate2.measure("tiny", tmp_path, plan, lambda _: None)
    assert [(row.source, row.target, row.batch) for row in rows] == [(s, t, 2) for s in (4, 9) for t in (1, 5)]
    assert rows[3].state_bytes > rows[1].state_bytes > rows[0].state_bytes
    assert all(row.ms_per_token > 0 for row in rows)
