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
    result = CliRunner().invoke(main, ["export", "--size", "tiny", "--target", "abacus", "--keep", str(tmp_path)])
    assert result.exit_code == 2
    assert "exit code 2: Error: target 'abacus' came" in result.stderr
