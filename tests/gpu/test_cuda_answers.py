"""Translators and classifiers on CUDA answer as on the processor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from pages import ROOT
from small_models import assert_near, random_ids
from small_translators import TRANSLATORS, random_sources

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.classification import Classifier
from rfa_runtime.tasks.translation import Translator

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]
OLDER = ROOT / "tests" / "data" / "before_folders" / "translator.rfa"
PIECES = (5, 19, *range(20, 40))
TEXTS = ["short", "a text that is a little longer", "x" * 300]


def translated(bundle: Bundle, provider: str) -> np.ndarray:
    """Logits after each piece of three targets, their sources of unlike lengths in one batch."""
    sources = random_sources(3, 17, 8)
    targets = random_ids(3, PIECES[-1])
    session = StepSession(bundle, provider=provider)
    state = session.new_state(3, cross=Encoder(bundle, provider=provider).encode(sources))
    found = [session.step(targets[:, start:end], state).copy() for start, end in pairwise((0, *PIECES))]
    return np.stack(found)


@pytest.mark.parametrize("kind", TRANSLATORS)
def test_a_translator_gives_the_logits_of_the_processor(kind: str, translation: Callable[[str], Bundle]) -> None:
    bundle = translation(kind)
    assert_near(translated(bundle, "cuda"), translated(bundle, "cpu"))


@pytest.mark.parametrize("beam", [1, 3])
def test_translations_are_those_of_the_processor(beam: int) -> None:
    search = SearchConfig(beam=beam)
    sources = ["one", "twenty one", "three hundred and five"]
    near = Translator(OLDER).translate_batch(sources, search)
    far = Translator(OLDER, provider="cuda").translate_batch(sources, search)
    assert [found.token_ids for found in far] == [found.token_ids for found in near]


@pytest.mark.parametrize("kind", ["rfa", "softmax"])
def test_a_classifier_gives_the_classes_of_the_processor(kind: str, classification: Callable[[str], Bundle]) -> None:
    bundle = classification(kind)
    near = Classifier(bundle).classify_batch(TEXTS)
    far = Classifier(bundle, provider="cuda").classify_batch(TEXTS)
    for found, wanted in zip(far, near, strict=True):
        assert found.label == wanted.label
        assert found.probabilities == pytest.approx(wanted.probabilities, abs=1e-3)
