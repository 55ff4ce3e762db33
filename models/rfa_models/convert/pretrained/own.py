"""A softmax model that was trained here, as a teacher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.errors import CheckpointError
from rfa_models.networks.language_model import LanguageModel


def read_own(path: Path) -> SoftmaxModel:
    """Read a checkpoint of ours.  Raises CheckpointError where it is none, or no language model with softmax; OSError.

    A model that does not say with how long texts it was trained was trained with its segments.
    """
    found = load_checkpoint(path)
    model = found.model
    if not isinstance(model, LanguageModel):
        raise CheckpointError(
            f"{path}: is one of our own files, of the kind {found.task}: only a language model is converted"
        )
    kinds = {model.config.attention_of(layer).kind for layer in range(model.config.layers)}
    if kinds != {"softmax"}:
        raise CheckpointError(f"{path}: is one of our own files with random features already: give it to rfa-export")
    longest = model.config.trained_length or found.segment_length or None
    model.config = replace(model.config, trained_length=longest)
    return SoftmaxModel(model, found.tokenizer, found.special_ids, found.sampling, found.chat_template)
