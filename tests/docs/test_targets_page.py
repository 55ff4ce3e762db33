"""The lines of docs/targets.md load a bundle of all targets, as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rfa_export.pipeline import export
from rfa_export.targets.catalogue import TARGETS
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "targets.md").read_text(encoding="utf-8"), re.DOTALL)
OPTIONAL = {"openvino": "openvino", "onnxruntime_genai": "onnxruntime-genai"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a bundle for every target lies as model.rfa."""
    folder = tmp_path_factory.mktemp("page")
    checkpoint = load_checkpoint(ROOT / "models" / "pretrained" / "shakespeare.pt")
    config = ExportConfig(tuple(TARGETS), verify="ours")
    export(checkpoint, folder / "model.rfa", progress=lambda _: None, config=config)
    return folder


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_python_lines_run(code: str, folder: Path) -> None:
    for module, package in OPTIONAL.items():
        if module in code:
            pytest.importorskip(module, reason=f"{package} is not installed")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_target_is_in_the_table() -> None:
    page = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
    for name, target in TARGETS.items():
        row, *_ = re.findall(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
        assert row.endswith(f"| {', '.join(target.precisions)} |")
