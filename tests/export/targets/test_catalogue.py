"""The list of targets that command lines read without torch or onnx."""

from __future__ import annotations

import subprocess
import sys

from rfa_export.precision import PRECISIONS
from rfa_export.targets.catalogue import TARGETS
from rfa_export.targets.export_config import ExportConfig
from rfa_export.targets.registry import REGISTRY, targets_of

HEAVY = {"torch", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "numpy"}


def test_every_name_has_its_code_and_no_code_is_without_a_name() -> None:
    assert list(REGISTRY) == list(TARGETS)
    for name, target in REGISTRY.items():
        assert target.facts is TARGETS[name]


def test_every_target_has_one_line_for_the_help_page_and_precisions_that_exist() -> None:
    for facts in TARGETS.values():
        assert facts.summary
        assert "\n" not in facts.summary
        assert set(facts.precisions) <= set(PRECISIONS)


def test_settings_are_checked_without_torch_and_onnx() -> None:
    code = "import sys; from rfa_export.targets.export_config import ExportConfig; ExportConfig(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_each_target_is_chosen_once_in_the_order_of_asking() -> None:
    config = ExportConfig(("plain", "ort", "plain"))
    assert targets_of(config) == [REGISTRY["plain"], REGISTRY["ort"]]
