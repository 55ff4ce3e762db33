"""The three kinds of model, by the name of their task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.settings import Task
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig

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
    "language-model": ModelKind(ModelConfig, LanguageModel, {"blocks": "layers"}, "embedding.weight"),
    "translation": ModelKind(
        TranslatorConfig,
        Translator,
        {"encoder": "encoder_layers", "decoder": "decoder_layers"},
        "embedding.tokens.weight",
    ),
    "classification": ModelKind(ClassifierConfig, Classifier, {"layers": "layers"}),
}


def task_of(model: Model) -> Task:
    """The task that a model is for."""
    if isinstance(model, LanguageModel):
        return "language-model"
    if isinstance(model, Translator):
        return "translation"
    return "classification"
