"""The bundle inside rfa-runtime is the one that `make bundle` makes of the checkpoint now."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from rfa_runtime import Decoder, SamplingConfig, read_bundle, score_text

SCRIPT = Path(__file__).parents[1] / "models" / "pretrained" / "make_bundle.py"
LARGEST = 1_000_000
"""Bytes: a wheel with them is still a small one."""
TEXT = "Tom had a red ball. He played with it all day. At night he put the ball in a box and slept."
REMADE = "the shipped bundle is not what the checkpoint gives now: run `make bundle` and commit the folder"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = spec_from_file_location("make_bundle", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["make_bundle"] = module
    spec.loader.exec_module(module)
    return module


def test_it_is_what_the_checkpoint_gives(script: ModuleType, tmp_path: Path) -> None:
    """By tokens and perplexity, not by bytes: the version of the exporter and its report may differ."""
    script.make_bundle(tmp_path / "again.rfa")
    shipped = read_bundle(script.SHIPPED)
    again = read_bundle(tmp_path / "again.rfa")
    assert shipped.manifest.sampling == again.manifest.sampling, REMADE
    assert shipped.manifest.state == again.manifest.state, REMADE
    greedy = SamplingConfig()
    tokens = Decoder(shipped, threads=1).generate("Once upon a time", greedy, max_new_tokens=64).token_ids
    assert tokens == Decoder(again, threads=1).generate("Once upon a time", greedy, max_new_tokens=64).token_ids, REMADE
    perplexity = score_text(shipped, TEXT, threads=1).perplexity
    assert perplexity == pytest.approx(score_text(again, TEXT, threads=1).perplexity, rel=1e-4), REMADE


def test_it_is_small_and_draws_its_text_by_chance(script: ModuleType) -> None:
    files = list(script.SHIPPED.iterdir())
    assert sum(file.stat().st_size for file in files) < LARGEST
    assert Decoder(script.SHIPPED).sampling == SamplingConfig(temperature=0.6, top_k=40)
