"""What llama.cpp calls settings and tensors, and what Hugging Face calls them."""

from __future__ import annotations

from collections.abc import Mapping

LLAMA_SETTINGS = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.sliding_window": "sliding_window",
    "rope.freq_base": "rope_theta",
    "rope.dimension_count": "rope_dimension_count",
    "context_length": "max_position_embeddings",
}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "llama": LLAMA_SETTINGS,
    "qwen2": LLAMA_SETTINGS,
}
"""By the architecture: settings after its name and a dot."""
LAYER = "model.layers.{}."


def linear(theirs: str, ours: str) -> dict[str, str]:
    """Weight and bias of a linear layer."""
    return {f"{theirs}.weight": f"{ours}.weight", f"{theirs}.bias": f"{ours}.bias"}


NAMES: Mapping[str, str] = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
    "blk.attn_norm.weight": LAYER + "input_layernorm.weight",
    "blk.ffn_norm.weight": LAYER + "post_attention_layernorm.weight",
    **linear("blk.attn_q", LAYER + "self_attn.q_proj"),
    **linear("blk.attn_k", LAYER + "self_attn.k_proj"),
    **linear("blk.attn_v", LAYER + "self_attn.v_proj"),
    **linear("blk.attn_output", LAYER + "self_attn.o_proj"),
    **linear("blk.ffn_gate", LAYER + "mlp.gate_proj"),
    **linear("blk.ffn_up", LAYER + "mlp.up_proj"),
    **linear("blk.ffn_down", LAYER + "mlp.down_proj"),
}
"""Tensors of a Llama; `blk.` stands for any block."""
