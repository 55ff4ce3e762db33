"""Models for llama.cpp: as large as ours, and files that a reader of GGUF understands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

gguf = pytest.importorskip("gguf", reason="gguf is not installed: there is no model for llama.cpp")

from rfa_bench.subjects.gguf_file import write_gguf  # noqa: E402
from rfa_bench.subjects.language_twins import random_checkpoint  # noqa: E402
from rfa_bench.subjects.shapes import SIZES, softmax_language_model  # noqa: E402
from rfa_export.precision import PRECISIONS  # noqa: E402


@pytest.mark.parametrize("name", PRECISIONS)
def test_it_has_as_many_weights_as_ours(name: str, tmp_path: Path) -> None:
    config = SIZES["tiny"]
    ours = random_checkpoint(softmax_language_model(config)).model
    wanted = sum(parameter.numel() for parameter in ours.parameters())
    reader = gguf.GGUFReader(write_gguf(config, PRECISIONS[name], tmp_path / "tiny.gguf"))
    found = sum(int(np.prod(tensor.shape)) for tensor in reader.tensors)
    assert found == pytest.approx(wanted, rel=0.03)


def test_a_file_that_is_there_is_used_again(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"as it was")
    assert write_gguf(SIZES["tiny"], PRECISIONS["fp32"], file).read_bytes() == b"as it was"
