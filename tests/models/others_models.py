"""Small models as others write them: folders of Hugging Face, files of llama2.c."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = ["<unk>", "<s>", "</s>", "a", "b", "c", "d", "e", "f", "g", "h"]
WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS = 16, 24, 2, 4, 2
LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "vocab_size": len(WORDS),
    "max_position_embeddings": 32,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "torch_dtype": "float32",
}
GPT2: dict[str, Any] = {
    "model_type": "gpt2",
    "n_embd": WIDTH,
    "n_layer": LAYERS,
    "n_head": HEADS,
    "n_positions": 32,
    "vocab_size": len(WORDS),
    "layer_norm_epsilon": 1e-5,
    "activation_function": "gelu_new",
}


def llama_tensors(tied: bool = False, biases: bool = False) -> dict[str, torch.Tensor]:
    """Random tensors by Hugging Face's names."""
    torch.manual_seed(0)
    head_dim = WIDTH // HEADS
    shapes = {"model.embed_tokens.weight": (len(WORDS), WIDTH)}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name, width in (("q", WIDTH), ("k", KV_HEADS * head_dim), ("v", KV_HEADS * head_dim)):
            shapes[prefix + f"self_attn.{name}_proj.weight"] = (width, WIDTH)
            if biases:
                shapes[prefix + f"self_attn.{name}_proj.bias"] = (width,)
        shapes[prefix + "self_attn.o_proj.weight"] = (WIDTH, WIDTH)
        shapes[prefix + "mlp.gate_proj.weight"] = (HIDDEN, WIDTH)
        shapes[prefix + "mlp.up_proj.weight"] = (HIDDEN, WIDTH)
        shapes[prefix + "mlp.down_proj.weight"] = (WIDTH, HIDDEN)
        shapes[prefix + "input_layernorm.weight"] = (WIDTH,)
        shapes[prefix + "post_attention_layernorm.weight"] = (WIDTH,)
    shapes["model.norm.weight"] = (WIDTH,)
    if not tied:
        shapes["lm_head.weight"] = (len(WORDS), WIDTH)
    return {name: torch.randn(*shape) * 0.5 for name, shape in shapes.items()}


def gpt2_tensors() -> dict[str, torch.Tensor]:
    """Random tensors by Hugging Face's names."""
    torch.manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (len(WORDS), WIDTH), "wpe.weight": (32, WIDTH)}
    for layer in range(LAYERS):
        prefix = f"h.{layer}."
        for name, inputs, outputs in (
            ("attn.c_attn", WIDTH, 3 * WIDTH),
            ("attn.c_proj", WIDTH, WIDTH),
            ("mlp.c_fc", WIDTH, 4 * WIDTH),
            ("mlp.c_proj", 4 * WIDTH, WIDTH),
        ):
            shapes[f"{prefix}{name}.weight"] = (inputs, outputs)
            shapes[f"{prefix}{name}.bias"] = (outputs,)
        for name in ("ln_1", "ln_2"):
            shapes[f"{prefix}{name}.weight"] = (WIDTH,)
            shapes[f"{prefix}{name}.bias"] = (WIDTH,)
    shapes |= {"ln_f.weight": (WIDTH,), "ln_f.bias": (WIDTH,)}
    tensors = {name: torch.randn(*shape) * 0.5 for name, shape in shapes.items()}
    for layer in range(LAYERS):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 32, 32).tril()  # a mask, as older files hold it
    return tensors


def word_tokenizer() -> Tokenizer:
    """A token for each word."""
    ids = {word: token for token, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def write_folder(folder: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor], shards: int = 1) -> Path:
    """Write a model in the layout of Hugging Face."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    word_tokenizer().save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True, "chat_template": "{{ messages }}"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    if shards == 1:
        save_file(tensors, folder / "model.safetensors")
        return folder
    places = {}
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensor for place, (name, tensor) in enumerate(tensors.items()) if place % shards == number}
        save_file(part, folder / file)
        places |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return folder


def neighbours_from_halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """The order of channels that llama2.c and GGUF have: of each pair, the two side by side.  rows: [heads d, E]."""
    by_head = rows.reshape(heads, 2, -1, rows.shape[1])
    return by_head.transpose(0, 2, 1, 3).reshape(rows.shape)


def write_llama2c(folder: Path, tensors: dict[str, torch.Tensor], longest: int = 32) -> Path:
    """Write tensors by Hugging Face's names as a model of llama2.c, and its tokenizer beside it."""
    numbers = {name: tensor.numpy() for name, tensor in tensors.items()}
    tied = "lm_head.weight" not in numbers
    tokens = len(WORDS) if tied else -len(WORDS)
    parts = [numbers["model.embed_tokens.weight"]]
    for name, heads in (
        ("input_layernorm", 0),
        ("self_attn.q_proj", HEADS),
        ("self_attn.k_proj", KV_HEADS),
        ("self_attn.v_proj", 0),
        ("self_attn.o_proj", 0),
        ("post_attention_layernorm", 0),
        ("mlp.gate_proj", 0),
        ("mlp.down_proj", 0),
        ("mlp.up_proj", 0),
    ):
        for layer in range(LAYERS):
            part = numbers[f"model.layers.{layer}.{name}.weight"]
            parts.append(neighbours_from_halves(part, heads) if heads else part)
    parts += [numbers["model.norm.weight"], np.zeros(longest * WIDTH // HEADS, np.float32)]
    if not tied:
        parts.append(numbers["lm_head.weight"])
    path = folder / "model.bin"
    header = struct.pack("<7i", WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, tokens, longest)
    path.write_bytes(header + b"".join(part.astype("<f4").tobytes() for part in parts))
    pieces = b"".join(struct.pack("<fi", -token, len(word)) + word.encode() for token, word in enumerate(WORDS))
    (folder / f"tok{len(WORDS)}.bin").write_bytes(struct.pack("<i", 5) + pieces)
    return path
