"""Write docs/recipes.md: every key of a recipe, from the dataclasses that check it.  Run it after changing one."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Container, Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from rfa_models.attention.config import AttentionConfig
from rfa_models.data.config import LabelledConfig, ListopsConfig, NumbersConfig, PairsConfig, TextConfig
from rfa_models.data.tokenizer import TokenizerConfig
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_models.recipes.train_config import (
    ClassificationTrainConfig,
    LanguageTrainConfig,
    TrainConfig,
    TranslationTrainConfig,
)
from rfa_runtime.bundle.interface import Task
from rfa_runtime.decoding.sampling_config import Biases, SamplingConfig

FILE = Path(__file__).with_name("recipes.md")
DECIDED_ELSEWHERE = {"vocab_size"}
"""Fields of the models that [tokenizer] decides: [model] may not have them."""
TYPES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Biases: "table of numbers by ids of tokens",
    Sequence[int]: "list of whole numbers",
}

INTRODUCTION = f"""# Recipes

This page is written by `python docs/make_recipes.py` from the code that checks recipes.

A recipe is a [TOML](https://toml.io) file with everything that makes a model: what the model is, what it reads and how
it learns. `rfa-train RECIPE.toml -o model.pt` trains it. The same recipe, data and seed give the same model on the same
machine. Recipes that were run, with their results, lie in [models/recipes](../models/recipes).

- A key that is left out has the default that stands below. Only `[model]` has to be there, and may be empty.
- An unknown key, a wrong type or an impossible value is an error that names the key, before anything is trained.
- Paths are relative to the folder of the recipe; absolute paths stay as they are. Paths on the command line (`--data`,
  `--valid`) are relative to the working directory.
- `task` is one of {", ".join(f"`{name}`" for name in get_args(Task))}; `language-model` is the default.
"""

LANGUAGE_EXAMPLE = """
[model]
layers = 2
mlp_width = 256
positions = "none"

[model.attention]
gate = true
heads = 2
head_dim = 32
random_vectors = 32

[data]
train = ["pydoc"]

[tokenizer]
kind = "bpe"
vocab_size = 512

[train]
steps = 500
segment_length = 128
learning_rate = 5e-3
"""

TRANSLATION_EXAMPLE = """
task = "translation"

[model]
encoder_layers = 1
decoder_layers = 1
mlp_width = 128

[model.causal_attention]
gate = true
heads = 2
head_dim = 32

[model.cross_attention]
heads = 2
head_dim = 32

[model.encoder_attention]
kind = "softmax"
heads = 2
head_dim = 32

[data]
train = ["numbers"]

[train]
steps = 800
batch_tokens = 2048
"""

CLASSIFICATION_EXAMPLE = """
task = "classification"

[model]
layers = 2
pooling = "first"

[model.attention]
heads = 4
head_dim = 32
feature_map = "arccos"

[data]
train = ["train.jsonl"]
valid = ["valid.jsonl"]

[tokenizer]
kind = "word"
vocab_size = 8000

[train]
steps = 600
batch_size = 16
"""

EXAMPLES: dict[str, str] = {
    "language-model": LANGUAGE_EXAMPLE,
    "translation": TRANSLATION_EXAMPLE,
    "classification": CLASSIFICATION_EXAMPLE,
}
TABLES: dict[str, dict[str, type]] = {
    "language-model": {
        "model": ModelConfig,
        "data": TextConfig,
        "train": LanguageTrainConfig,
        "sampling": SamplingConfig,
    },
    "translation": {
        "model": TranslatorConfig,
        "data": PairsConfig,
        "data.numbers": NumbersConfig,
        "train": TranslationTrainConfig,
    },
    "classification": {
        "model": ClassifierConfig,
        "data": LabelledConfig,
        "data.listops": ListopsConfig,
        "train": ClassificationTrainConfig,
    },
}
"""Tables of each task; [train] has the keys of all tasks besides."""
SHARED: dict[str, type] = {"tokenizer": TokenizerConfig, "train": TrainConfig}
HEADER = "| key | type | default | meaning |\n|---|---|---|---|"
ATTENTION = "Attention"
"""The section that all tables of attention are described in, whatever their name in the model."""


def recipes_page() -> str:
    """The whole page, as Markdown."""
    parts = [INTRODUCTION]
    for task, tables in TABLES.items():
        parts.append(f"## {task}\n\n```toml{EXAMPLES[task]}```\n")
        for name, config in tables.items():
            parts.append(table(f"`[{name}]` of {task}", config, left_out=shared_keys(name)))
    parts.append("## All tasks\n")
    for name, config in SHARED.items():
        parts.append(table(f"`[{name}]`", config))
    parts.append(table(ATTENTION, AttentionConfig))
    return "\n".join(parts)


def shared_keys(name: str) -> set[str]:
    """The keys of a task's table that stand under "All tasks", or that are no keys of a recipe."""
    if name == "train":
        return {field.name for field in fields(TrainConfig)}
    return DECIDED_ELSEWHERE if name == "model" else set()


def table(title: str, config: type, left_out: Container[str] = ()) -> str:
    """One table of keys, with what the class says of itself above."""
    lines = [
        f"### {title}\n",
        f"{first_paragraph(config)}\n",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
    ]
    hints = get_type_hints(config)
    meanings = documented_fields(config)
    for field in fields(config):
        if field.name not in left_out:
            wanted = type_name(hints[field.name])
            lines.append(f"| `{field.name}` | {wanted} | {default(field)} | {meanings[field.name]} |")
    return "\n".join(lines) + "\n"


def first_paragraph(config: type) -> str:
    """What a class says of itself, without the errors that it raises."""
    text = (inspect.getdoc(config) or "").split("\n\n")[0]
    return re.sub(r"\s+", " ", text.split("Raises")[0]).strip()


def documented_fields(config: type) -> dict[str, str]:
    """The docstring under each field of a class and of the classes that it is made from, on one line."""
    found: dict[str, str] = {}
    for part in reversed(config.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(part))).body[0]
        assert isinstance(body, ast.ClassDef)
        found |= dict(docstrings_below(body))
    return found


def docstrings_below(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Name and docstring of every field in the body of a class."""
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            text = ast.literal_eval(after.value)
            yield ast.unparse(field.target), re.sub(r"\s+", " ", text).replace("|", "\\|")


def type_name(hint: Any) -> str:
    """A field's type in the words of a reader of TOML."""
    if hint in TYPES:
        return TYPES[hint]
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return " or ".join(f'`"{word}"`' for word in arguments)
    if get_origin(hint) is tuple:
        if is_dataclass(arguments[0]):
            return "list of tables"
        return f"list of {TYPES[arguments[0]]}s"
    if get_origin(hint) is dict:
        return "table of texts"
    if is_dataclass(hint):
        return f"table, see [{ATTENTION}](#{ATTENTION.lower()})" if hint is AttentionConfig else "table, see below"
    if NoneType in arguments:
        return TYPES[arguments[0]]
    raise KeyError(hint)


def default(field: Field[Any]) -> str:
    """What holds where a key is left out."""
    if field.default is None:
        return "none"
    if field.default is not MISSING:
        return f"`{in_toml(field.default)}`"
    if field.default_factory is MISSING:
        return "from the data"
    made = field.default_factory()
    if made == AttentionConfig(kind="softmax"):
        return '`kind = "softmax"`'
    return "defaults" if is_dataclass(made) else f"`{in_toml(made)}`"


def in_toml(value: object) -> str:
    """A default as it would stand in a recipe."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(in_toml, value))}]"
    return str(value)


if __name__ == "__main__":
    FILE.write_text(recipes_page(), encoding="utf-8")
