"""Runtimes in processes of their own: arrays come back as they went, and what goes wrong there is an error here."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rfa_export.runtimes.genai import GenAi
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.runtimes.process import Process, read_arrays, write_arrays
from rfa_export.runtimes.runtime import Runtime
from rfa_export.runtimes.web import OnnxRuntimeWeb

ARRAYS = {
    "ids": np.arange(6, dtype=np.int64).reshape(2, 3),
    "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "one": np.array(0.5, np.float32),
    "none": np.zeros((2, 0), np.float32),
}
ECHO = """
from rfa_export.runtimes.process import serve
def load(file):
    print("words of a library")
    if file.name == "absent":
        raise FileNotFoundError("no such graph")
    return lambda given: given if given else 1 / 0
serve(load)
"""


def echo(name: str = "graph") -> Process:
    return Process([sys.executable, "-c", ECHO, name])


def test_arrays_are_read_as_they_were_written() -> None:
    stream = io.BytesIO()
    write_arrays(stream, ARRAYS)
    stream.seek(0)
    found = read_arrays(stream)
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    with pytest.raises(EOFError):
        read_arrays(stream)


def test_an_array_that_ends_early_is_no_array() -> None:
    stream = io.BytesIO()
    write_arrays(stream, ARRAYS)
    with pytest.raises(EOFError):
        read_arrays(io.BytesIO(stream.getvalue()[:-1]))


def test_a_process_answers_again_and_again_whatever_its_libraries_print() -> None:
    process = echo()
    for _ in range(2):
        assert np.array_equal(process.run(ARRAYS)["turned"], ARRAYS["turned"])


@pytest.mark.parametrize(
    ("process", "words"),
    [
        (lambda: echo("absent"), "FileNotFoundError: no such graph"),
        (lambda: echo(), "ZeroDivisionError"),
        (lambda: Process([sys.executable, "-c", "exit(3)"]), "ended without an answer, exit code 3"),
    ],
)
def test_what_goes_wrong_there_is_an_error_here(process: object, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        process().run({})


@pytest.mark.parametrize("runtime", [OpenVino(), GenAi(), OnnxRuntimeWeb()], ids=lambda runtime: runtime.name)
def test_a_file_that_is_no_graph_is_an_error_here(runtime: Runtime, tmp_path: Path) -> None:
    if runtime.version() is None:
        pytest.skip(f"{runtime.name} is not installed")
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(RuntimeError, match=r"[Ee]rror"):
        runtime.load(tmp_path / "model.onnx", "model", ("logits",))({"input_ids": np.zeros((1, 1), np.int64)})


def test_a_process_starts_without_torch() -> None:
    code = "import sys, rfa_export.runtimes.process; print([name for name in sys.modules if name == 'torch'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
