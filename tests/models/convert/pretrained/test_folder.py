"""Folders in the layout of Hugging Face: the logits are the model's own, and what cannot be read is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from llama_in_numpy import logits
from others_models import (
    GPT2,
    HEADS,
    KV_HEADS,
    LLAMA,
    gpt2_tensors,
    llama_tensors,
    write_folder,
)
from safetensors.torch import save_file

from rfa_models.convert.pretrained.read import read_softmax_model
from rfa_models.errors import ModelError
from rfa_runtime.bundle.manifest import SpecialIds

IDS = [1, 3, 5, 4, 4, 10, 7, 2]
TOLERANCE = 1e-4
"""Of the largest logit; float32 beside float64."""


def our_logits(folder: Path) -> np.ndarray:
    model = read_softmax_model(folder).model
    with torch.no_grad():
        found: np.ndarray = model(torch.tensor([IDS]))[0].numpy()
    return found


def assert_close(found: np.ndarray, wanted: np.ndarray) -> None:
    assert np.abs(found - wanted).max() <= TOLERANCE * np.abs(wanted).max()


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("tied", [False, True])
def test_llama_has_its_own_logits(tmp_path: Path, tied: bool, shards: int) -> None:
    tensors = llama_tensors(tied)
    folder = write_folder(tmp_path / "llama", LLAMA | {"tie_word_embeddings": tied}, tensors, shards)
    numbers = {name: tensor.numpy() for name, tensor in tensors.items()}
    assert_close(our_logits(folder), logits(numbers, IDS, HEADS, KV_HEADS))


def test_qwen2_has_biases_and_its_own_theta(tmp_path: Path) -> None:
    tensors = llama_tensors(biases=True)
    config = LLAMA | {"model_type": "qwen2", "rope_theta": 500.0, "use_sliding_window": False, "sliding_window": 32}
    folder = write_folder(tmp_path / "qwen", config, tensors)
    numbers = {name: tensor.numpy() for name, tensor in tensors.items()}
    assert_close(our_logits(folder), logits(numbers, IDS, HEADS, KV_HEADS, theta=500.0))


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    tensors = {name: tensor.bfloat16() for name, tensor in llama_tensors().items()}
    folder = write_folder(tmp_path / "llama", LLAMA, tensors)
    numbers = {name: tensor.float().numpy() for name, tensor in tensors.items()}
    assert_close(our_logits(folder), logits(numbers, IDS, HEADS, KV_HEADS))


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_gpt2_has_the_logits_of_transformers(tmp_path: Path, prefix: str) -> None:
    transformers = pytest.importorskip("transformers", reason="compares with the package transformers, not installed")
    tensors = gpt2_tensors()
    folder = write_folder(tmp_path / "gpt2", GPT2, {prefix + name: tensor for name, tensor in tensors.items()})
    reference = transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2)).eval()
    reference.transformer.load_state_dict(tensors, strict=False)
    with torch.no_grad():
        wanted = reference(torch.tensor([IDS])).logits[0].numpy()
    assert_close(our_logits(folder), wanted)


def test_gpt2_by_its_equations(tmp_path: Path) -> None:
    """One block at the first position: attention to oneself is the value itself."""
    tensors = gpt2_tensors()
    folder = write_folder(tmp_path / "gpt2", GPT2, tensors)
    model = read_softmax_model(folder).model
    x = tensors["wte.weight"][IDS[0]] + tensors["wpe.weight"][0]
    for layer in range(2):
        own = {name.removeprefix(f"h.{layer}."): tensor for name, tensor in tensors.items()}
        h = torch.nn.functional.layer_norm(x, x.shape, own["ln_1.weight"], own["ln_1.bias"])
        packed = h @ own["attn.c_attn.weight"] + own["attn.c_attn.bias"]
        value = packed.chunk(3)[2]
        x = x + value @ own["attn.c_proj.weight"] + own["attn.c_proj.bias"]
        h = torch.nn.functional.layer_norm(x, x.shape, own["ln_2.weight"], own["ln_2.bias"])
        h = h @ own["mlp.c_fc.weight"] + own["mlp.c_fc.bias"]
        h = torch.nn.functional.gelu(h, approximate="tanh")
        x = x + h @ own["mlp.c_proj.weight"] + own["mlp.c_proj.bias"]
    x = torch.nn.functional.layer_norm(x, x.shape, tensors["ln_f.weight"], tensors["ln_f.bias"])
    with torch.no_grad():
        found = model(torch.tensor([IDS[:1]]))[0, 0].numpy()
    assert_close(found, (x @ tensors["wte.weight"].T).numpy())


def test_what_belongs_to_the_text_comes_along(tmp_path: Path) -> None:
    found = read_softmax_model(write_folder(tmp_path / "llama", LLAMA, llama_tensors()))
    assert found.special_ids == SpecialIds(1, 2)
    assert found.chat_template == "{{ messages }}"
    assert found.model.config.trained_length == 32


def drop_shard(folder: Path) -> None:
    (folder / "model-00002-of-00003.safetensors").unlink()


def cut_weights(folder: Path) -> None:
    file = folder / "model-00001-of-00003.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def name_a_place_elsewhere(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "../other.safetensors"}}))


def leave_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors.index.json").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")


def drop_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def drop_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def set_key(key: str, value: Any) -> Any:
    def change(folder: Path) -> None:
        table = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(table | {key: value}))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_shard, "is missing, model.safetensors.index.json names it"),
        (cut_weights, "not a whole safetensors file"),
        (name_a_place_elsewhere, "wanted one in its own folder"),
        (leave_a_pickle, "may run code of its author"),
        (drop_tokenizer, "has no tokenizer.json"),
        (drop_config, "has no config.json"),
        (set_key("model_type", "mamba"), "model_type is 'mamba', which is not read: known are llama, mistral"),
        (set_key("hidden_size", "wide"), "hidden_size is 'wide', wanted a whole number"),
        (set_key("hidden_size", 15), "4 heads do not divide the width 15"),
        (set_key("hidden_act", "gelu"), "hidden_act is 'gelu', wanted silu"),
        (set_key("rope_scaling", {"rope_type": "llama3"}), "models with scaled angles are not read yet"),
        (set_key("intermediate_size", 25), r"its config wants \(25, 16\)"),
        (set_key("num_hidden_layers", 3), "and 6 more are missing"),
        (set_key("num_hidden_layers", 1), "of no known use"),
        (set_key("num_hidden_layers", 1_000_000), "its config says 1,000,000 layers, it has 21 tensors"),
        (set_key("rms_norm_eps", 10**400), "wanted a number that a float can hold"),
        (set_key("vocab_size", 5), "the tokenizer has ids up to 10, the model knows 5 tokens"),
    ],
)
def test_bad_folders_are_refused_in_one_line(tmp_path: Path, damage: Any, message: str) -> None:
    folder = write_folder(tmp_path / "llama", LLAMA, llama_tensors(), shards=3)
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        read_softmax_model(folder)
    assert "\n" not in str(caught.value)


def test_tensors_of_whole_numbers_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "llama", LLAMA, llama_tensors())
    tensors = {name: tensor.to(torch.int32) for name, tensor in llama_tensors().items()}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelError, match="wanted numbers with a point"):
        read_softmax_model(folder)
