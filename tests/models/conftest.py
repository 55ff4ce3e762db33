"""What the tests of rfa_models share: one thread, so that results repeat to the bit, and the smallest of everything."""

import pydoc_data.topics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig

RECIPE = """
[model]
layers = 1
mlp_width = 16
dropout = 0.1

[model.attention]
gate = true
heads = 2
head_dim = 8
random_vectors = 8
pool_size = 8

[data]
train = ["text.txt"]
valid_fraction = 0.05

[tokenizer]
kind = "byte"

[train]
steps = 12
batch_size = 2
segment_length = 16
warmup_steps = 2
learning_rate = 1e-2
evaluate_every = 6
checkpoint_every = 4
"""

STATEFUL = RECIPE.replace("segment_length = 16", "segment_length = 16\nstateful = true")

TRANSLATION = """
task = "translation"

[model]
encoder_layers = 1
decoder_layers = 1
mlp_width = 16
dropout = 0.1

[model.encoder_attention]
kind = "softmax"
heads = 2
head_dim = 8

[model.causal_attention]
heads = 2
head_dim = 8
random_vectors = 8
pool_size = 8

[model.cross_attention]
heads = 2
head_dim = 8
random_vectors = 12
pool_size = 8

[data]
train = ["numbers"]
valid_fraction = 0.1

[data.numbers]
count = 200

[tokenizer]
kind = "bpe"
vocab_size = 300

[train]
steps = 12
batch_tokens = 400
warmup_steps = 2
learning_rate = 1e-2
evaluate_every = 6
checkpoint_every = 4
"""

CLASSIFICATION = """
task = "classification"

[model]
layers = 1
mlp_width = 16
dropout = 0.1
pooling = "first"
max_tokens = 40

[model.attention]
heads = 2
head_dim = 8
random_vectors = 8
pool_size = 8

[data]
train = ["listops"]
valid_fraction = 0.1

[data.listops]
count = 200
shortest = 5
longest = 60

[tokenizer]
kind = "word"
vocab_size = 32
replace = { "(" = "", ")" = "", "]" = "X" }

[train]
steps = 12
batch_size = 8
warmup_steps = 2
learning_rate = 1e-2
evaluate_every = 6
checkpoint_every = 4
"""

RECIPES = {
    "language-model": RECIPE,
    "stateful": STATEFUL,
    "translation": TRANSLATION,
    "classification": CLASSIFICATION,
}


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
