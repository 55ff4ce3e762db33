"""Bundles that were written before the code had its folders, and what they then said.

`tests/data/before_folders` was written by the code of commit d021fc1: a language model of bytes and a translator of
number words, each as `rfa-train` left it and as `rfa-export` wrote it.  `tokens.json` holds what that code then said.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.tasks.language import Decoder
from rfa_runtime.tasks.translation import Translator

FOLDER = Path(__file__).parents[1] / "data" / "before_folders"
TOKENS: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "tokens.json").read_text(encoding="utf-8"))


def check_language_model(bundle: Path) -> None:
    """A bundle of the language model gives the tokens of that day."""
    decoder = Decoder(bundle, threads=1)
    drawn = SamplingConfig(temperature=0.8, top_k=20, seed=7)
    for case in TOKENS["language"]:
        assert decoder.generate(case["prompt"], max_new_tokens=40).token_ids == case["greedy"]
        assert decoder.generate(case["prompt"], drawn, max_new_tokens=40).token_ids == case["seed_7"]


def check_translator(bundle: Path) -> None:
    """A bundle of the translator gives the tokens of that day."""
    translator = Translator(bundle, threads=1)
    for case in TOKENS["translation"]:
        assert translator.translate(case["source"]).token_ids == case["greedy"]
        assert translator.translate(case["source"], SearchConfig(beam=4)).token_ids == case["beam_4"]
