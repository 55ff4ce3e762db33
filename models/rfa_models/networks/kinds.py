"""The three kinds of model, by the name of their task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rfa_models.errors import ConfigError
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_runtime.bundle.interface import CLASSIFICATION, LANGUAGE_MODEL, TRANSLATION, Task

Model = LanguageModel | Translator | Classifier


@dataclass(frozen=True)
class ModelKind:
    """What loading and saving must know of the model of a task."""

    config: type[Any]
    model: Callable[[Any], Any]
    layers: dict[str, str]
    """Name of each list of layers in the model -> the setting that says how long it is."""
    embedding: str | None = None
    """Name of the weight that a tied head shares; None where the head is of another kind."""


KINDS: dict[str, ModelKind] = {
    LANGUAGE_MODEL: ModelKind(ModelConfig, LanguageModel, {"blocks": "layers"}, "embedding.weight"),
    TRANSLATION: ModelKind(
        TranslatorConfig,
        Translator,
        {"encoder": "encoder_layers", "decoder": "decoder_layers"},
        "embedding.tokens.weight",
    ),
    CLASSIFICATION: ModelKind(ClassifierConfig, Classifier, {"layers": "layers"}),
}


def task_of(model: Model) -> Task:
    """The task that a model is for.  Raises ConfigError for a model of another kind."""
    if isinstance(model, LanguageModel):
        return LANGUAGE_MODEL
    if isinstance(model, Translator):
        return TRANSLATION
    if isinstance(model, Classifier):
        return CLASSIFICATION
    raise ConfigError(f"{type(model).__name__} is no model of ours, wanted a LanguageModel, Translator or Classifier")
