"""A recipe: everything that makes a model, in one TOML file.  Examples lie in `models/recipes/`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from rfa_models.data.config import DataConfig, LabelledConfig, PairsConfig, TextConfig
from rfa_models.data.tokenizer import TokenizerConfig
from rfa_models.errors import ConfigError
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_models.recipes.train_config import (
    ClassificationTrainConfig,
    LanguageTrainConfig,
    TrainConfig,
    TranslationTrainConfig,
)
from rfa_models.tables import read_table
from rfa_models.wording import one_line, shown
from rfa_runtime.bundle.interface import CLASSIFICATION, LANGUAGE_MODEL, TRANSLATION, Task
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.text import read_text

C = TypeVar("C", ModelConfig, TranslatorConfig, ClassifierConfig)


@dataclass(frozen=True)
class Recipe:
    """One TOML file, checked.  The vocabulary's size comes from the tokenizer, so [model] leaves it out."""

    model: dict[str, Any]
    """The model's settings, in the classes of `rfa_models.networks`."""
    task: Task = LANGUAGE_MODEL
    """What the model is for; decides which settings there are."""
    data: DataConfig = field(default_factory=DataConfig)
    """What is read."""
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    """How it becomes tokens."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How it is learnt."""

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

    data: TextConfig = field(default_factory=TextConfig)
    train: LanguageTrainConfig = field(default_factory=LanguageTrainConfig)
    sampling: dict[str, Any] = field(default_factory=dict)
    """How rfa-run chooses tokens where nobody says it: temperature, top_k and so on.  The most likely by default."""

    def model_config(self, vocab_size: int) -> ModelConfig:
        """The model's config once the vocabulary is known.  Raises ConfigError."""
        config = self.read_model(ModelConfig, vocab_size=vocab_size)
        for layer in range(config.layers if self.train.stateful else 0):
            attention = config.attention_of(layer)
            if attention.kind == "softmax":
                raise ConfigError("stateful = true with softmax attention: only RFA has a state of fixed size to carry")
            if attention.window:
                raise ConfigError("stateful = true with a window: training carries sums alone, drop one of them")
        return config

    def check_model(self) -> None:
        self.check_tokenizer("byte", "char", "bpe")
        try:
            SamplingConfig.from_table(self.sampling)
        except OptionError as error:
            raise ConfigError(f"[sampling] {error}") from error
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
        self.check_tokenizer("byte", "char", "bpe", "word")
        self.model_config(vocab_size=256, labels=("0", "1"))


RECIPES: dict[Any, type[Recipe]] = {
    LANGUAGE_MODEL: LanguageRecipe,
    TRANSLATION: TranslationRecipe,
    CLASSIFICATION: ClassificationRecipe,
}


def read_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe, the model's settings included.

    Relative paths of data are relative to the recipe's folder; the result has them relative to the working directory.
    Raises ConfigError, or OSError as `open` does.
    """
    path = Path(path)
    try:
        table = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:  # wrong syntax, bytes or digits; tables a thousand deep
        raise ConfigError(f"{path}: not TOML: {one_line(error)}") from error
    try:
        recipe = read_table(recipe_class(table), table, "recipe")
        recipe.check_model()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return replace(recipe, data=data_beside(path.parent, recipe.data))


def data_beside(folder: Path, data: DataConfig) -> DataConfig:
    """The data with paths that start from a folder; words for built-in data and absolute paths stay."""

    def place(name: str) -> str:
        return name if name == data.BUILT_IN else str(folder / name)

    return replace(data, train=tuple(map(place, data.train)), valid=tuple(map(place, data.valid)))


def recipe_class(table: dict[str, Any]) -> type[Recipe]:
    """The class of a recipe's task.  Raises ConfigError."""
    task = table.get("task", LANGUAGE_MODEL)
    if not isinstance(task, str) or task not in RECIPES:
        raise ConfigError(f"task is {shown(task)}, wanted one of {', '.join(RECIPES)}")
    return RECIPES[task]
