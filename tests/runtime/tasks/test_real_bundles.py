"""Bundles as the exporter writes them, without torch: `make oldest` decodes them with the oldest ONNX Runtime.

The shipped one has int8 weights, the older ones float32.
"""

from __future__ import annotations

import numpy as np
from older_bundles import FOLDER, check_language_model, check_translator

from rfa_runtime.bundle.bundle import shipped_bundle
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.perplexity import score_text

STORY = """Tom had a red ball. He played with it all day. At night he put the ball in a box and slept. The next day Tom
and his mom went to the park, and he was very happy.
"""
INT8_ACTIVATIONS = 5e-2
"""Of the largest logit, as rfa_export/tolerances.py has it: products round activations to 8 bits.  0.010 was seen."""


def test_an_older_language_model_says_what_it_said() -> None:
    check_language_model(FOLDER / "language.rfa")


def test_an_older_translator_says_what_it_said() -> None:
    check_translator(FOLDER / "translator.rfa")


def test_the_shipped_model_predicts_a_story_far_better_than_chance() -> None:
    assert score_text(shipped_bundle(), STORY, threads=1).perplexity < 64  # of 512 tokens


def test_the_shipped_model_reads_a_prompt_at_once_as_token_by_token() -> None:
    session = StepSession(shipped_bundle(), threads=1)
    ids = np.random.default_rng(0).integers(0, session.vocab_size, (1, 200))
    whole = session.step(ids, session.new_state()).copy()
    state = session.new_state()
    for token in ids[0].tolist():
        logits = session.step_token(token, state)
    assert np.abs(logits - whole).max() <= INT8_ACTIVATIONS * np.abs(whole).max()
