"""A checkpoint as a safetensors file: what is saved comes back, and what it lacks is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from rfa_models.errors import CheckpointError

ENTRIES = "rfa-checkpoint"


@pytest.fixture
def path(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    path = tmp_path / "model.safetensors"
    save_checkpoint(checkpoint, path)
    return path


def test_a_saved_model_comes_back_to_the_bit(path: Path, checkpoint: Checkpoint) -> None:
    loaded = load_checkpoint(path)
    ids = torch.randint(256, (2, 9))
    assert torch.equal(loaded.model(ids), checkpoint.model.eval()(ids))
    assert loaded.model.config == checkpoint.model.config
    assert loaded.tokenizer.to_str() == checkpoint.tokenizer.to_str()
    assert (loaded.segment_length, loaded.training) == (checkpoint.segment_length, checkpoint.training)


def test_a_state_dict_that_another_tool_wrote_again_is_read(path: Path, checkpoint: Checkpoint) -> None:
    """In half precision, with a wrapper's names and the tied head twice."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = {}
    for name, tensor in checkpoint.model.state_dict().items():
        tensors[f"module.{name}"] = tensor.bfloat16().clone()
    save_file(tensors, path, metadata)
    model = load_checkpoint(path).model
    assert torch.equal(model.embedding.weight, checkpoint.model.embedding.weight.bfloat16().float())
    assert model.head.weight is model.embedding.weight


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (None, "holds tensors without a model's settings"),
        ({ENTRIES: "{"}, "its settings cannot be read"),
        ({ENTRIES: "[" * 100_000}, "its settings cannot be read"),
        ({ENTRIES: "[]"}, "not of the format rfa-checkpoint"),
        ({ENTRIES: '{"format": "rfa-checkpoint", "format_version": 2}'}, "update rfa-export"),
    ],
)
def test_settings_that_are_missing_or_wrong_are_named(path: Path, metadata: Any, words: str) -> None:
    save_file(load_file(path), path, metadata)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"hello\n" * 50, b"\xff" * 300])
def test_a_file_of_another_kind_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged or no safetensors"):
        load_checkpoint(path)


def test_a_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"damaged or no safetensors"):
        load_checkpoint(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.safetensors"):
        load_checkpoint(tmp_path / "absent.safetensors")
