"""What converted models are made of, on every target: each is exported, and each of its runtimes verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_models import attention_config, language_model

from rfa_export import pipeline
from rfa_export.errors import TargetError
from rfa_export.exams.parity import Parity
from rfa_export.targets.catalogue import WITH_GRAPHS
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.language import LanguageExport
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_models.networks.language_model import LanguageModel

LLAMA: dict[str, Any] = {
    "normalization": "rms",
    "activation": "silu",
    "gated_mlp": True,
    "mlp_bias": False,
    "scaled_embedding": False,
    "positions": "none",
    "trained_length": 32,
}
GPT2: dict[str, Any] = {
    "activation": "gelu_tanh",
    "scaled_embedding": False,
    "positions": "learned",
    "trained_length": 32,
}


def llama(**attention: Any) -> LanguageModel:
    """One layer of four heads of queries over two of keys, turned by their positions."""
    settings = {"heads": 4, "kv_heads": 2, "head_dim": 8, "qkv_bias": False, "out_bias": False, "rope_theta": 100.0}
    return language_model(settings | attention, layers=1, **LLAMA)


def export(model: LanguageModel, folder: Path, targets: tuple[str, ...]) -> None:
    config = ExportConfig(targets)
    exported = pipeline.export_task(
        LanguageExport(model, 16), folder, byte_tokenizer(), progress=lambda _: None, config=config
    )
    assert tuple(exported.report.parity) == targets
    for found in exported.report.parity.values():
        for one in found:
            if isinstance(one, Parity):
                assert one.tokens_equal + one.near_ties == one.tokens_compared > 0


def test_a_converted_llama_on_every_target(tmp_path: Path) -> None:
    student = {"gate": True, "gate_half_life": 16.0, "key_weight": True, "learned_vectors": True}
    floor = {"denominator": "clamp", "denominator_floor": 0.1}
    export(llama(**student, **floor), tmp_path / "model.rfa", WITH_GRAPHS)


def test_a_gpt2_whose_layers_have_other_features(tmp_path: Path) -> None:
    """Learned positions, Hedgehog in the first layer, elu in the second."""
    kinds = tuple(attention_config(feature_map=name, gate=True) for name in ("hedgehog", "elu"))
    export(language_model(layer_attention=kinds, **GPT2), tmp_path / "model.rfa", ("ort", "plain"))


def test_a_window_with_sinks(tmp_path: Path) -> None:
    export(llama(gate=True, window=6, sinks=2), tmp_path / "model.rfa", ("ort", "plain", "torchscript"))


def test_genai_refuses_a_window(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="sums and their normalizer alone, this model also"):
        export(llama(gate=True, window=6, sinks=2), tmp_path / "model.rfa", ("genai",))


def test_softmax_that_shares_keys_and_turns_them(tmp_path: Path) -> None:
    export(llama(kind="softmax", window=12), tmp_path / "model.rfa", ("ort",))
