"""The model that a new user meets first: from its checkpoint to text."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from rfa_export import export
from rfa_export.tolerances import PERPLEXITY
from rfa_models import load_checkpoint
from rfa_models.data.texts import encode
from rfa_models.tasks.perplexity import perplexity
from rfa_runtime import Decoder, SamplingConfig, read_bundle, score_text, shipped_bundle

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "models" / "pretrained"
MODEL = FOLDER / "shakespeare.pt"
SONNET = """Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
"""
"""From the same hand, but from none of the plays."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pretrained") / "shakespeare.rfa"
    export(load_checkpoint(MODEL), path, progress=lambda _: None)
    return path


def test_checkpoint_is_small_and_made_by_its_recipe() -> None:
    assert MODEL.stat().st_size <= 4_000_000
    recipe = tomllib.loads((ROOT / "models/recipes/shakespeare.toml").read_text(encoding="utf-8"))
    checkpoint = load_checkpoint(MODEL)
    assert checkpoint.training["recipe"].items() >= recipe["train"].items()
    assert checkpoint.model.config.layers == recipe["model"]["layers"]
    assert checkpoint.model.config.attention.gate is recipe["model"]["attention"]["gate"]


def page_without_marks() -> str:
    """The models' page as a reader sees it."""
    return re.sub(r"<!-- .*? -->", "", (FOLDER / "README.md").read_text(encoding="utf-8"))


def test_figures_of_its_page_are_those_of_its_log_and_file() -> None:
    log = [json.loads(line) for line in (FOLDER / "shakespeare.log.jsonl").read_text(encoding="utf-8").splitlines()]
    measured = f"{load_checkpoint(MODEL).training['valid_perplexity']:.3f}"
    assert f"{log[-1]['valid_perplexity']:.2f}" == f"{float(measured):.2f}"
    assert f"| {measured} per token" in page_without_marks()


def test_bundle_predicts_verse_as_torch_does_and_far_better_than_chance(bundle: Path) -> None:
    found = score_text(read_bundle(bundle), SONNET).perplexity
    checkpoint = load_checkpoint(MODEL)
    wanted = perplexity(checkpoint.model, encode(checkpoint.tokenizer, SONNET), checkpoint.segment_length)
    assert abs(found / wanted - 1) < PERPLEXITY
    assert found < 64  # of 512 tokens


def test_figures_of_the_converted_model_are_those_of_its_report() -> None:
    stories = load_checkpoint(FOLDER / "stories.pt")
    report = stories.training["conversion"]
    page = page_without_marks()
    assert stories.model.config.attention.kind == "rfa"
    assert f"{report['lengths'][1]['perplexity']:.3f} on held-out texts" in page
    assert f"{report['lengths'][1]['ratio']:.3f} times its own" in page
    assert f"{report['texts'][0]['ratio']:.3f} times on stories by others" in page
    licence = (shipped_bundle().with_suffix(".txt")).read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "stories260K" in licence


def test_the_shipped_model_tells_a_story() -> None:
    text = Decoder(shipped_bundle()).generate("Once upon a time", seed=3, max_new_tokens=200).text
    words = set(re.findall(r"[a-z]+", text.lower()))
    assert len(words & {"there", "was", "a", "little", "day", "she", "he", "to", "play", "the", "and"}) >= 6, text


def test_text_reads_like_its_source(bundle: Path) -> None:
    sampling = SamplingConfig(temperature=0.8, top_k=40, seed=4)
    text = Decoder(bundle).generate("ROMEO:", sampling, max_new_tokens=300).text
    assert len(re.findall(r"^[A-Z][A-Z ]+:$", text, re.MULTILINE)) >= 2, text  # speakers
    words = re.findall(r"[a-z]+", text.lower())
    assert sum(word in {"the", "and", "to", "i", "you", "my", "of", "thou", "thy", "a", "is"} for word in words) > 15
