"""From a recipe to the task that trains it."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer

from rfa_models.recipes.recipe import ClassificationRecipe, LanguageRecipe, Recipe, TranslationRecipe
from rfa_models.tasks.classification import ClassificationTask
from rfa_models.tasks.language import LanguageTask, StatefulLanguageTask
from rfa_models.tasks.task import TrainingTask
from rfa_models.tasks.translation import TranslationTask


def read_task(recipe: Recipe, device: torch.device, tokenizer: Tokenizer | None = None) -> TrainingTask:
    """Read and encode the data of a recipe.  tokenizer: takes the place of one that is learnt from them.

    Raises DataError, ConfigError, or OSError as `open` does.
    """
    if isinstance(recipe, TranslationRecipe):
        return TranslationTask(recipe, device, tokenizer)
    if isinstance(recipe, ClassificationRecipe):
        return ClassificationTask(recipe, device, tokenizer)
    assert isinstance(recipe, LanguageRecipe)
    return (StatefulLanguageTask if recipe.train.stateful else LanguageTask)(recipe, device, tokenizer)
