"""The softmax graph in onnxruntime-genai computes what it computes in our runtime."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rfa_bench.subjects.shapes import SIZES, softmax_language_model
from rfa_bench.subjects.softmax_for_genai import write_for_genai
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.session.step import StepSession

pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is not installed")

from rfa_export.runtimes.serve_genai import load_model, new_text

PROMPT = [5, 1, 7, 7, 2]
STEPS = 4


def test_genai_gives_the_logits_of_our_runtime(twins: Path, tmp_path: Path) -> None:
    softmax = Path(shutil.copytree(twins / "softmax-fp32.rfa", tmp_path / "softmax.rfa"))
    session = StepSession(read_bundle(softmax))
    state = session.new_state(1, capacity=len(PROMPT) + STEPS)
    wanted = session.step(np.array([PROMPT]), state)
    folder = write_for_genai(softmax, softmax_language_model(SIZES["tiny"]))
    text = new_text(load_model(folder, threads=1), len(PROMPT) + STEPS)
    text.append_tokens(np.array(PROMPT, np.int32))
    for token in range(STEPS):
        found = text.get_logits()
        np.testing.assert_allclose(found.ravel(), np.asarray(wanted).ravel(), rtol=1e-4, atol=1e-4)
        wanted = session.step(np.array([[token]]), state)
        text.append_tokens(np.array([token], np.int32))
