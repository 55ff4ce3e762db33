"""`rfa-bench export` on the tiny shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.subjects.shapes import SIZES
from rfa_models.networks.language_model import LanguageModel

Bench = Callable[..., dict[str, Any]]


def test_an_export_is_measured_as_a_user_runs_it(bench: Bench, tmp_path: Path) -> None:
    found = bench("export", "--size", "tiny", "--precision", "int4", "--keep", tmp_path)
    drawn = sum(parameter.numel() for parameter in LanguageModel(SIZES["tiny"]).parameters())
    assert found["parameters"] == drawn
    assert found["model_bytes"] == 4 * drawn
    bundle = tmp_path / "model.rfa"
    assert found["bundle_bytes"] == sum(file.stat().st_size for file in bundle.iterdir()) < found["model_bytes"]
    assert (bundle / "manifest.json").exists()
    assert found["memory_ratio"] > 1, "the process holds the model, and torch"
    assert found["seconds"] > 0


def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "model.rfa").mkdir()
    (tmp_path / "model.rfa" / "mine.txt").write_text("not yours", encoding="utf-8")
    result = CliRunner().invoke(main, ["export", "--size", "tiny", "--keep", str(tmp_path)])
    assert result.exit_code == 2
    assert "rfa-export ended with exit code 2: Error: " in result.stderr
    assert "model.rfa exists and is not a bundle: it will not be overwritten" in result.stderr


def test_a_target_that_nobody_knows_is_refused_before_a_model_is_drawn(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", "--size", "tiny", "--target", "abacus", "--keep", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: target 'abacus' came, wanted one or more of ort")
    assert not (tmp_path / "model.pt").exists()
