"""An ONNX Runtime without LinearAttention is named where a graph cannot be loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from rfa_runtime.errors import SessionError
from rfa_runtime.session.ort import OLDEST, installed_version, onnxruntime, open_session


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"no graph")
    return file


def test_a_version_that_is_too_old_is_named(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", "1.25.0")
    with pytest.raises(SessionError, match=r"model\.onnx, it is version 1\.25\.0, wanted 1\.25\.1 or newer: "):
        open_session(broken, 1, "cpu")


def test_others_are_not(broken: Path) -> None:
    assert installed_version() >= OLDEST
    with pytest.raises(SessionError, match=r"cannot load model\.onnx: "):
        open_session(broken, 1, "cpu")


def test_versions_are_compared_as_numbers_and_builds_of_a_night_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", "1.100.0.dev20261101")
    assert installed_version() == (1, 100, 0)


def test_the_oldest_is_what_setup_cfg_and_the_tested_constraints_say() -> None:
    root = Path(__file__).parents[3]
    oldest = ".".join(map(str, OLDEST))
    setup = (root / "runtime" / "setup.cfg").read_text(encoding="utf-8")
    assert f"onnxruntime >={oldest}\n" in setup
    assert f"onnxruntime=={oldest}\n" in (root / "constraints-oldest.txt").read_text(encoding="utf-8")
