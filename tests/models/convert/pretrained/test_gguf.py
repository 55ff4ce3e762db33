"""GGUF files, written by the package that llama.cpp's own tools use."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from llama_in_numpy import logits
from others_models import (
    HEADS,
    HIDDEN,
    KV_HEADS,
    LAYERS,
    WIDTH,
    WORDS,
    llama_tensors,
    neighbours_from_halves,
)

from rfa_models.convert.pretrained.llama_cpp import gguf_file
from rfa_models.convert.pretrained.read import read_softmax_model
from rfa_models.errors import ModelError
from rfa_runtime.bundle.manifest import SpecialIds

IDS = [1, 3, 5, 4, 4, 10, 7, 2]
SHORT = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OTHERS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def gguf_name(name: str) -> str:
    """llama.cpp's name of a tensor."""
    if name in OTHERS:
        return OTHERS[name]
    _, _, layer, *words, kind = name.split(".")
    return f"blk.{layer}.{SHORT['.'.join(words)]}.{kind}"


def write(
    path: Path, kind: str = "llama", bits: Any = None, tokenizer: str = "llama", pre: str = "gpt-2", **fields: Any
) -> dict[str, np.ndarray]:
    """Write a small model.  bits: how weights are rounded.  Returns the weights that it then has."""
    writer = gguf.GGUFWriter(path, kind)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_context_length(32)
    writer.add_tokenizer_model(tokenizer)
    writer.add_token_list(WORDS if tokenizer != "gpt2" else [*WORDS[:-1], "ab"])
    writer.add_token_scores([-float(token) for token in range(len(WORDS))])
    writer.add_token_types([2, 3, 3] + [1] * (len(WORDS) - 3))
    if tokenizer == "gpt2":
        writer.add_tokenizer_pre(pre)
        writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{{ messages }}")
    for name, value in fields.items():
        writer.add_string(name, value)
    found = {}
    for name, tensor in llama_tensors().items():
        array = tensor.numpy()
        stored = array
        if kind == "llama" and ("q_proj" in name or "k_proj" in name):
            stored = neighbours_from_halves(array, HEADS if "q_proj" in name else KV_HEADS)
        if bits is not None and array.ndim == 2 and array.shape[1] % 32 == 0:
            packed = gguf.quantize(stored, bits)
            writer.add_tensor(gguf_name(name), packed, raw_dtype=bits)
            array = gguf.dequantize(packed, bits)
        else:
            writer.add_tensor(gguf_name(name), stored)
        found[name] = array
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return found


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_logits_are_the_models_own(tmp_path: Path, kind: str) -> None:
    """qwen2 has its channels in our order, llama side by side."""
    tensors = write(tmp_path / "model.gguf", kind)
    if kind == "qwen2":  # has biases, which this file lacks
        with pytest.raises(ModelError, match="and 3 more are missing"):
            read_softmax_model(tmp_path / "model.gguf")
        return
    found = read_softmax_model(tmp_path / "model.gguf")
    with torch.no_grad():
        ours = found.model(torch.tensor([IDS]))[0].numpy()
    wanted = logits(tensors, IDS, HEADS, KV_HEADS)
    assert np.abs(ours - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert found.special_ids == SpecialIds(1, 2)
    assert found.chat_template == "{{ messages }}"


@pytest.mark.parametrize("cut", ["gpt-2", "smollm", "qwen2", "llama-bpe"])
def test_byte_level_tokenizers_are_built(tmp_path: Path, cut: str) -> None:
    write(tmp_path / "model.gguf", tokenizer="gpt2", pre=cut)
    found = read_softmax_model(tmp_path / "model.gguf")
    assert found.tokenizer.encode("abc").ids == [10, 5]
    assert found.tokenizer.decode([10, 5]) == "abc"


def test_what_is_not_known_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    write(file, "mamba")
    with pytest.raises(ModelError, match="a GGUF of 'mamba' is not read: known are llama, qwen2"):
        read_softmax_model(file)
    write(file, tokenizer="wordpiece")
    with pytest.raises(ModelError, match="its tokenizer is of kind 'wordpiece'"):
        read_softmax_model(file)
    write(file, tokenizer="gpt2", pre="klingon")
    with pytest.raises(ModelError, match="its tokenizer cuts texts as 'klingon'"):
        read_softmax_model(file)
    write(file, **{"llama.rope.scaling.type": "yarn"})
    with pytest.raises(ModelError, match="its rotary angles are scaled"):
        read_softmax_model(file)


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    write(file)
    whole = file.read_bytes()
    for length in (0, 3, 24, 100, 700, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError) as caught:
            read_softmax_model(file)
        assert "\n" not in str(caught.value)


def test_counts_that_do_not_fit_into_the_file_are_refused_at_once(tmp_path: Path) -> None:
    """Each number of the header, in turn, says that there is more than a machine can hold."""
    file = tmp_path / "model.gguf"
    write(file)
    whole = file.read_bytes()
    for place in range(4, 600):
        file.write_bytes(whole[:place] + b"\xff" * 7 + whole[place + 7 :])
        with suppress(ModelError):  # a number that does not matter may be any
            read_softmax_model(file)


def test_missing_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "model.gguf")
    monkeypatch.setattr(gguf_file, "gguf", None)
    with pytest.raises(ModelError, match=r"pip install 'rfa-export\[gguf\]'"):
        read_softmax_model(tmp_path / "model.gguf")
