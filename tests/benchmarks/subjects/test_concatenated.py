"""The common softmax export computes what the strongest one computes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from rfa_bench.subjects.concatenated import ConcatenatedSteps, write_concatenated
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.session.step import StepSession

TOKENS = [5, 1, 7, 7, 2]


@pytest.fixture
def softmax(twins: Path, tmp_path: Path) -> Path:
    """A copy of the softmax bundle that a test may write into."""
    return Path(shutil.copytree(twins / "softmax-fp32.rfa", tmp_path / "softmax.rfa"))


def test_concatenated_past_gives_the_logits_of_the_shared_cache(softmax: Path) -> None:
    session = StepSession(read_bundle(softmax))
    state = session.new_state(1, capacity=len(TOKENS))
    graph = ort.InferenceSession(write_concatenated(softmax))
    past = {}
    for value in graph.get_inputs():
        if "past" in value.name:
            _, heads, _, width = value.shape
            past[value.name] = np.zeros((1, heads, 0, width), np.float32)
    names = [value.name for value in graph.get_outputs()]
    for position, token in enumerate(TOKENS):
        wanted = session.step(np.array([[token]]), state)
        ids = {"input_ids": np.array([[token]])}
        if "position_ids" in [value.name for value in graph.get_inputs()]:
            ids["position_ids"] = np.array([[position]])
        found = dict(zip(names, graph.run(names, ids | past), strict=True))
        np.testing.assert_allclose(found["logits"].ravel(), np.asarray(wanted).ravel(), rtol=1e-4, atol=1e-4)
        past = {name: found[name.replace("past_key_values", "present")] for name in past}


def test_past_grows_by_a_token_a_step(softmax: Path) -> None:
    steps = ConcatenatedSteps(write_concatenated(softmax), threads=1, batch=2, context=3)
    steps.step()
    steps.step()
    for value in steps._past.values():
        assert value.shape()[2] == 5
