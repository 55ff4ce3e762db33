"""A recipe: everything that makes a model, in one TOML file.  Examples lie in `models/recipes/`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rfa_models.data.config import DataConfig, LabelledConfig, PairsConfig
from rfa_models.data.tokenizer import TokenizerConfig
from rfa_models.errors import ConfigError
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.settings import Task
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_models.recipes.train_config import (
    ClassificationTrainConfig,
    LanguageTrainConfig,
    TrainConfig,
    TranslationTrainConfig,
)
from rfa_models.tables import read_table
from rfa_models.wording import one_line, shown

C = TypeVar("C", ModelConfig, TranslatorConfig, ClassifierConfig)


@dataclass(frozen=True)
class Recipe:
    """One TOML file, checked.  The vocabulary's size comes from the tokenizer, so [model] leaves it out."""

    model: dict[str, Any]
    task: Task = "language-model"
    data: DataConfig = field(default_factory=DataConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def check_model(self) -> None:
        """Raise ConfigError where [model] cannot work, whatever the data are."""

    def check_tokenizer(self, *kinds: str) -> None:
        """Raise ConfigError for a tokenizer that the task has no use for."""
        if self.tokenizer.kind not in kinds:
            raise ConfigError(
                f"tokenizer.kind is {self.tokenizer.kind!r}, wanted one of {', '.join(kinds)} for {self.task}"
            )

    def read_model(self, cls: type[C], **known: Any) -> C:
        """[model] with what the data decide; `labels` may be given there."""
        if "vocab_size" in self.model:
            raise ConfigError("[model] has a vocab_size, which the tokenizer decides: set it in [tokenizer]")
        return read_table(cls, known | self.model, "model")


@dataclass(frozen=True)
class LanguageRecipe(Recipe):
    """The recipe of a language model."""

    train: LanguageTrainConfig = field(default_factory=LanguageTrainConfig)

    def model_config(self, vocab_size: int) -> ModelConfig:
        """The model's config once the vocabulary is known.  Raises ConfigError."""
        config = self.read_model(ModelConfig, vocab_size=vocab_size)
        if self.train.stateful and config.attention.kind == "softmax":
            raise ConfigError("stateful = true with softmax attention: only RFA has a state of fixed size to carry")
        return config

    def check_model(self) -> None:
        """As Recipe.check_model."""
        self.check_tokenizer("byte", "char", "bpe")
        self.model_config(vocab_size=256)


@dataclass(frozen=True)
class TranslationRecipe(Recipe):
    """The recipe of a translator."""

    data: PairsConfig = field(default_factory=PairsConfig)
    train: TranslationTrainConfig = field(default_factory=TranslationTrainConfig)

    def model_config(self, vocab_size: int) -> TranslatorConfig:
        """The model's config once the vocabulary is known.  Raises ConfigError."""
        return self.read_model(TranslatorConfig, vocab_size=vocab_size)

    def check_model(self) -> None:
        """As Recipe.check_model."""
        self.check_tokenizer("byte", "bpe")
        self.model_config(vocab_size=258)


@dataclass(frozen=True)
class ClassificationRecipe(Recipe):
    """The recipe of a classifier."""

    data: LabelledConfig = field(default_factory=LabelledConfig)
    train: ClassificationTrainConfig = field(default_factory=ClassificationTrainConfig)

    def model_config(self, vocab_size: int, labels: tuple[str, ...]) -> ClassifierConfig:
        """The model's config once vocabulary and classes are known.  Raises ConfigError."""
        return self.read_model(ClassifierConfig, vocab_size=vocab_size, labels=labels)

    def check_model(self) -> None:
        """As Recipe.check_model."""
        self.check_tokenizer("byte", "char", "bpe", "word")
        self.model_config(vocab_size=256, labels=("0", "1"))


RECIPES: dict[Any, type[Recipe]] = {
    "language-model": LanguageRecipe,
    "translation": TranslationRecipe,
    "classification": ClassificationRecipe,
}


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe, the model's settings included.  Raises ConfigError, or OSError as `open` does."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # wrong syntax, bytes or digits; tables a thousand deep
        raise ConfigError(f"{path}: not TOML: {one_line(error)}") from error
    try:
        recipe = read_table(recipe_class(table), table, "recipe")
        recipe.check_model()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return recipe


def recipe_class(table: dict[str, Any]) -> type[Recipe]:
    """The class of a recipe's task.  Raises ConfigError."""
    task = table.get("task", "language-model")
    if not isinstance(task, str) or task not in RECIPES:
        raise ConfigError(f"task is {shown(task)}, wanted one of {', '.join(RECIPES)}")
    return RECIPES[task]
