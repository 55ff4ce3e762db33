"""Checkpoints and bundles that were written before the code had its folders still load, and give the same tokens.

`tests/data/before_folders` was written by the code of commit d021fc1: a language model of bytes and a translator of
number words, each as `rfa-train` left it and as `rfa-export` wrote it.  `tokens.json` holds what that code then said.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rfa_export import export
from rfa_models import load_checkpoint
from rfa_runtime import Decoder, SamplingConfig, SearchConfig, Translator

FOLDER = Path(__file__).parent / "data" / "before_folders"
TOKENS: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "tokens.json").read_text(encoding="utf-8"))


def bundle(name: str, origin: str, folder: Path) -> Path:
    """The bundle as it was written then, or one that is made of the old checkpoint now."""
    if origin == "old bundle":
        return FOLDER / f"{name}.rfa"
    export(load_checkpoint(FOLDER / f"{name}.pt"), folder / f"{name}.rfa", progress=lambda stage: None)
    return folder / f"{name}.rfa"


origins = pytest.mark.parametrize("origin", ["old bundle", "old checkpoint"])


@origins
def test_a_language_model_says_what_it_said(origin: str, tmp_path: Path) -> None:
    decoder = Decoder(bundle("language", origin, tmp_path), threads=1)
    drawn = SamplingConfig(temperature=0.8, top_k=20, seed=7)
    for case in TOKENS["language"]:
        assert decoder.generate(case["prompt"], max_new_tokens=40).token_ids == case["greedy"]
        assert decoder.generate(case["prompt"], drawn, max_new_tokens=40).token_ids == case["seed_7"]


@origins
def test_a_translator_says_what_it_said(origin: str, tmp_path: Path) -> None:
    translator = Translator(bundle("translator", origin, tmp_path), threads=1)
    for case in TOKENS["translation"]:
        assert translator.translate(case["source"]).token_ids == case["greedy"]
        assert translator.translate(case["source"], SearchConfig(beam=4)).token_ids == case["beam_4"]
