"""A model in the layout of Hugging Face: config.json, weights, tokenizer.json and what lies beside it."""

from __future__ import annotations

from pathlib import Path

from rfa_models.convert.pretrained.catalogue import architecture_of
from rfa_models.convert.pretrained.formats import CONFIG
from rfa_models.convert.pretrained.safetensors_source import SafetensorsSource
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.convert.pretrained.tensors import load_model
from rfa_models.data.tokenizer_files import TOKENIZER, read_json, read_tokenizer_files
from rfa_models.errors import CheckpointError, ConfigError
from rfa_runtime.bundle.manifest import SpecialIds


def read_folder(folder: Path) -> SoftmaxModel:
    """Read a folder.

    Raises CheckpointError where files are missing or damaged, or for an architecture that is not known; DataError for
    the tokenizer's files; OSError where something cannot be opened.
    """
    table = read_json(folder / CONFIG)
    try:
        architecture = architecture_of(table.get("model_type"))
        config = architecture.config(table)
    except ConfigError as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from error
    if not (folder / TOKENIZER).is_file():
        raise CheckpointError(f"{folder}: has no {TOKENIZER}: get it from where the model is from")
    files = read_tokenizer_files(folder)
    check_ids(max(files.tokenizer.get_vocab().values(), default=-1), config.vocab_size, folder)
    check_special_ids(files.special_ids, config.vocab_size, folder)
    model = load_model(architecture, config, SafetensorsSource(folder))
    return SoftmaxModel(model, files.tokenizer, files.special_ids, files.sampling, files.chat_template)


def check_ids(largest: int, vocab_size: int, place: Path) -> None:
    """Raise CheckpointError where a tokenizer has more tokens than the model."""
    if largest >= vocab_size:
        raise CheckpointError(
            f"{place}: the tokenizer has ids up to {largest}, the model knows {vocab_size} tokens, numbered from 0: "
            "they do not belong together"
        )


def check_special_ids(special_ids: SpecialIds, vocab_size: int, place: Path) -> None:
    """Raise CheckpointError for a token that the model does not know."""
    for token in (special_ids.bos, *special_ids.ends):
        if token is not None and token >= vocab_size:
            raise CheckpointError(f"{place}: token {token} is to begin or end a text, the model knows {vocab_size:,}")
