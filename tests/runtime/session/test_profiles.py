"""A measurement may ask for the time of every operator; nobody else gets files."""

from __future__ import annotations

import gc
import json
from pathlib import Path

from rfa_runtime.bundle.bundle import shipped_bundle
from rfa_runtime.session.ort import PROFILES
from rfa_runtime.session.step import StepSession


def one_step() -> None:
    session = StepSession(shipped_bundle(), threads=1)
    session.step_token(0, session.new_state())


def test_graphs_that_are_loaded_for_a_measurement_write_what_operators_took(tmp_path: Path) -> None:
    outside = PROFILES.set(tmp_path)
    one_step()
    PROFILES.reset(outside)
    one_step()
    gc.collect()
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("model_")
    assert "model_run" in {event["name"] for event in json.loads(file.read_text())}
