"""What importing rfa_runtime brings along, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys

from toy_bundles import environment

import rfa_runtime

HEAVY = {"torch", "onnx", "onnx_ir", "onnxscript", "transformers", "rfa_models", "rfa_export"}


def modules_after(code: str) -> set[str]:
    """Top-level modules of a fresh Python after running some code."""
    code += "\nimport sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    return set(json.loads(found.stdout))


def test_the_whole_package_runs_without_torch_and_onnx() -> None:
    everything = "import rfa_runtime\nfor name in rfa_runtime.__all__: getattr(rfa_runtime, name)"
    found = modules_after(everything + "\nimport rfa_runtime.commands.run")
    assert "onnxruntime" in found
    assert not found & HEAVY


def test_bundles_are_read_and_written_by_the_standard_library_alone() -> None:
    found = modules_after("import rfa_runtime.bundle.bundle")
    assert not found & (HEAVY | {"numpy", "onnxruntime", "tokenizers", "click", "rich"})


def test_help_does_not_wait_for_onnx_runtime() -> None:
    found = modules_after("import rfa_runtime.commands.run")
    assert not found & (HEAVY | {"numpy", "onnxruntime", "tokenizers", "rich"})


def test_without_onnx_runtime_the_error_names_the_extras() -> None:
    code = "import sys; sys.modules['onnxruntime'] = None\nimport rfa_runtime\nrfa_runtime.StepSession"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert "MissingBackendError: ONNX Runtime is not installed: pip install 'rfa-runtime[cpu]'" in found.stderr


def test_all_public_names_are_there_and_no_others() -> None:
    homes = {name for names in rfa_runtime.HOMES.values() for name in names}
    assert sorted(homes | {"__version__"}) == sorted(rfa_runtime.__all__)
    for name in rfa_runtime.__all__:
        assert getattr(rfa_runtime, name) is not None
    assert not hasattr(rfa_runtime, "torch")
