"""What the tests of rfa_models share: one thread, so that results repeat to the bit, and the smallest of everything."""

import pydoc_data.topics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_recipes import RECIPES

from rfa_models.attention.config import AttentionConfig
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def small_attention() -> Callable[..., AttentionConfig]:
    """A config of two heads; keywords replace its settings."""
    return lambda **settings: AttentionConfig(
        **({"heads": 2, "head_dim": 8, "random_vectors": 8, "pool_size": 16, "chunk": 4} | settings)
    )


@pytest.fixture
def small_model(small_attention: Callable[..., AttentionConfig]) -> Callable[..., LanguageModel]:
    """A model of two layers; keywords replace its settings, `attention` those of its attention."""

    def build(attention: dict[str, Any] | None = None, **settings: Any) -> LanguageModel:
        table = {"vocab_size": 256, "layers": 2, "mlp_width": 16} | settings
        return LanguageModel(ModelConfig(attention=small_attention(**(attention or {})), **table)).eval()

    return build


@pytest.fixture
def checkpoint(small_model: Callable[..., LanguageModel]) -> Checkpoint:
    return Checkpoint(small_model({"gate": True}), byte_tokenizer(), 16, {"steps": 3})


@pytest.fixture
def recipe_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a task's tiny recipe and text into an empty working directory; old=new keywords edit the recipe's lines."""
    monkeypatch.chdir(tmp_path)
    topics = "\n".join(text for _, text in sorted(pydoc_data.topics.topics.items()))
    Path("text.txt").write_text(topics[:20_000], encoding="utf-8")

    def write(name: str = "recipe.toml", task: str = "language-model", **lines: str) -> Path:
        text = RECIPES[task]
        for key, value in lines.items():
            old = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
            text = text.replace(old, f"{key} = {value}")
        Path(name).write_text(text, encoding="utf-8")
        return Path(name)

    return write
