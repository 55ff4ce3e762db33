"""What is written in the layout of Hugging Face is what was read, tensor by tensor, and appears whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from others_models import GPT2, LLAMA, gpt2_tensors, llama_tensors, write_folder
from safetensors.torch import load_file

from rfa_models import (
    AttentionConfig,
    Checkpoint,
    LanguageModel,
    ModelConfig,
    byte_tokenizer,
    read_softmax_model,
    save_checkpoint,
    save_pretrained,
)
from rfa_models.errors import CheckpointError, ConfigError

QWEN2 = LLAMA | {"model_type": "qwen2", "use_sliding_window": False}
MISTRAL = LLAMA | {"model_type": "mistral", "sliding_window": 8}


@pytest.mark.parametrize(
    ("config", "tensors"),
    [
        (GPT2, gpt2_tensors()),
        (LLAMA, llama_tensors()),
        (LLAMA | {"tie_word_embeddings": True}, llama_tensors(tied=True)),
        (MISTRAL, llama_tensors()),
        (QWEN2, llama_tensors(biases=True)),
    ],
    ids=["gpt2", "llama", "tied", "mistral", "qwen2"],
)
def test_what_was_read_is_written(tmp_path: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    source = write_folder(tmp_path / "given", config, tensors)
    save_pretrained(read_softmax_model(source).checkpoint(), tmp_path / "written")
    found = {
        name.removeprefix("transformer."): tensor
        for name, tensor in load_file(tmp_path / "written" / "model.safetensors").items()
    }
    learned = {name: tensor for name, tensor in tensors.items() if not name.endswith(".attn.bias")}  # a mask
    assert found.keys() == learned.keys()
    for name, tensor in learned.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)
    first, second = read_softmax_model(source), read_softmax_model(tmp_path / "written")
    assert first.model.config == second.model.config
    assert json.loads((tmp_path / "written" / "config.json").read_text())["model_type"] == config["model_type"]
    assert (first.special_ids, first.sampling, first.chat_template) == (
        second.special_ids,
        second.sampling,
        second.chat_template,
    )
    assert first.tokenizer.to_str() == second.tokenizer.to_str()


ATTENTION = AttentionConfig(kind="softmax", heads=2, head_dim=4)
OURS = ModelConfig(
    vocab_size=300,
    layers=2,
    mlp_width=16,
    activation="gelu_tanh",
    positions="learned",
    trained_length=8,
    scaled_embedding=False,
    dropout=0.1,
    attention=ATTENTION,
)


def trained(config: ModelConfig) -> Checkpoint:
    torch.manual_seed(0)
    return Checkpoint(LanguageModel(config).eval(), byte_tokenizer(), 8)


def test_a_model_that_was_trained_here_has_the_same_logits(tmp_path: Path) -> None:
    given = trained(OURS)
    save_pretrained(given, tmp_path / "gpt2")
    found = read_softmax_model(tmp_path / "gpt2").model
    ids = torch.arange(8)[None]
    with torch.no_grad():
        torch.testing.assert_close(found(ids), given.model(ids), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(OURS, positions="sinusoidal"), "gpt2 has positions = 'learned' in place of 'sinusoidal'"),
        (replace(OURS, scaled_embedding=True), "scaled_embedding = False in place of True"),
        (replace(OURS, attention=replace(ATTENTION, kind="rfa")), "attention.kind = 'softmax' in place of 'rfa'"),
        (replace(OURS, layer_attention=(ATTENTION, replace(ATTENTION, window=4))), r"attention.window = 0 .* \[0, 4\]"),
    ],
)
def test_a_model_without_a_layout_is_refused(tmp_path: Path, config: ModelConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        save_pretrained(trained(config), tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="name a folder that is new or empty"):
        save_pretrained(trained(OURS), tmp_path / "folder")
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_a_checkpoint_of_ours_is_a_teacher(tmp_path: Path, name: str) -> None:
    given = trained(replace(OURS, positions="sinusoidal", trained_length=None))
    save_checkpoint(given, tmp_path / name)
    found = read_softmax_model(tmp_path / name).model
    ids = torch.arange(8)[None]
    with torch.no_grad():
        torch.testing.assert_close(found(ids), given.model(ids), rtol=0, atol=0)
    assert found.config.trained_length == 8


def test_a_student_is_no_teacher(tmp_path: Path) -> None:
    save_checkpoint(trained(replace(OURS, attention=replace(ATTENTION, kind="rfa"))), tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="with random features already"):
        read_softmax_model(tmp_path / "model.pt")
