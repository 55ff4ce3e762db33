"""A language model on CUDA gives what it gives on the processor, in every precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from small_models import random_ids

from rfa_export import tolerances
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.language import Decoder

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]
BOUNDS = {
    "fp32": tolerances.LOGITS_FLOAT32,
    "fp16": tolerances.LOGITS_FLOAT16,
    "int8": tolerances.LOGITS_INT8_ACTIVATIONS,
    "int4": tolerances.LOGITS_INT8_ACTIVATIONS,
}
"""The processor multiplies float16 in float32, and rounds what it multiplies by whole numbers; a GPU does neither."""
PROMPTS = ["ROMEO:", "To be, or not to be", "JULIET:\nWhat"]


def logits(bundle: Bundle, provider: str) -> np.ndarray:
    """After a prompt and after each of 32 tokens more, of three rows.  Returns [steps, B, N]."""
    session = StepSession(bundle, provider=provider)
    state = session.new_state(3)
    ids = random_ids(3, 64, session.vocab_size)
    found = [session.step(ids[:, :32], state).copy()]
    for column in ids[:, 32:].T:
        found.append(session.step(column[:, None], state).copy())
    return np.stack(found)


@pytest.mark.parametrize("precision", BOUNDS)
def test_logits_are_those_of_the_processor(precision: str, language: Callable[..., Bundle]) -> None:
    bundle = language(precision=precision)
    wanted = logits(bundle, "cpu")
    assert np.abs(logits(bundle, "cuda") - wanted).max() <= BOUNDS[precision] * np.abs(wanted).max()


def test_greedy_text_is_that_of_the_processor(language: Callable[..., Bundle]) -> None:
    bundle = language(precision="fp32")
    for prompt in PROMPTS:
        near = Decoder(bundle).generate(prompt, max_new_tokens=200, temperature=0)
        far = Decoder(bundle, provider="cuda").generate(prompt, max_new_tokens=200, temperature=0)
        assert far.token_ids == near.token_ids


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int4"])
def test_a_batch_is_written_as_each_text_alone(precision: str, language: Callable[..., Bundle]) -> None:
    decoder = Decoder(language(precision=precision), provider="cuda")
    together = decoder.generate_batch(PROMPTS, max_new_tokens=64, temperature=0)
    for prompt, found in zip(PROMPTS, together, strict=True):
        assert found.token_ids == decoder.generate(prompt, max_new_tokens=64, temperature=0).token_ids


def test_states_of_float16_keep_within_their_bound(language: Callable[..., Bundle]) -> None:
    bundle = language(state="fp16")
    wanted = logits(bundle, "cpu")
    assert np.abs(logits(bundle, "cuda") - wanted).max() <= tolerances.LOGITS_FLOAT16 * np.abs(wanted).max()


def test_blocks_above_128_are_refused_in_one_line_or_computed(language: Callable[..., Bundle]) -> None:
    """The pretrained model's rows of 512 have blocks of 256; ONNX Runtime's kernels for CUDA end at 128."""
    bundle = language(precision="int4", block_size=256)
    wanted = logits(bundle, "cpu")
    try:
        found = logits(bundle, "cuda")
    except SessionError:
        return
    assert np.abs(found - wanted).max() <= BOUNDS["int4"] * np.abs(wanted).max()
