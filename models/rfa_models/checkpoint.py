"""`model.pt`: config, tokenizer and tensors in one file of plain types, read with `weights_only=True`.

    format          "rfa-checkpoint"
    format_version  1
    task            "language-model"
    config          ModelConfig as nested dicts
    tokenizer       the text of tokenizer.json
    segment_length  tokens per training segment, the default for scoring
    training        what is known of the training: steps, validation perplexity, versions
    tensors         name -> tensor; the evaluation's random matrices among them

A file from elsewhere is hostile until checked (`untrusted.py`): nothing is built larger than the tensors that the file
really holds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.atomic import save_atomically
from rfa_models.checks import LARGEST_COUNT
from rfa_models.config import ModelConfig
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.language_model import LanguageModel
from rfa_models.tables import read_table
from rfa_models.untrusted import check_tensors, read_tables
from rfa_models.wording import one_line, shown

FORMAT = "rfa-checkpoint"
FORMAT_VERSION = 1
TASK = "language-model"
ENTRIES = {"config": dict, "tokenizer": str, "segment_length": int, "training": dict, "tensors": dict}


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with all that is needed to use it."""

    model: LanguageModel
    tokenizer: Tokenizer
    segment_length: int
    training: dict[str, Any] = field(default_factory=dict)
    """Plain facts on the training, for people to read."""


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `model.pt`: whole or not at all.  Raises OSError as the file system does."""
    save_atomically(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "task": TASK,
            "config": asdict(checkpoint.model.config),
            "tokenizer": checkpoint.tokenizer.to_str(),
            "segment_length": checkpoint.segment_length,
            "training": checkpoint.training,
            "tensors": stored_tensors(checkpoint.model),
        },
        path,
    )


def load_checkpoint(path: Path) -> Checkpoint:
    """Read `model.pt`; the model comes in evaluation mode on the CPU.

    Raises CheckpointError for a file that is foreign, damaged, newer than this code or inconsistent; OSError where it
    cannot be opened.
    """
    table = read_tables(path, FORMAT)
    check_header(table, path)
    check_tensors(table["tensors"], path)
    config = read_config(table["config"], path)
    tokenizer = read_tokenizer(table["tokenizer"], config.vocab_size, path)
    model = build_model(config, table["tensors"], path)
    return Checkpoint(model.eval(), tokenizer, table["segment_length"], table["training"])


def check_header(table: dict[str, Any], path: Path) -> None:
    """Every entry there, of its type, and of a version that this code knows.  Raises CheckpointError."""
    version = table.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: format version {shown(version)}, this rfa-export reads up to {FORMAT_VERSION}: update rfa-export"
        )
    if table.get("task") != TASK:
        raise CheckpointError(f"{path}: task {shown(table.get('task'))}, wanted {TASK!r}")
    for key, wanted in ENTRIES.items():
        if not isinstance(table.get(key), wanted):
            raise CheckpointError(f"{path}: its {key!r} is not a {wanted.__name__}: the file is damaged")
    if not 1 <= table["segment_length"] <= LARGEST_COUNT:
        raise CheckpointError(
            f"{path}: segment_length is {shown(table['segment_length'])}, wanted a number from 1 to {LARGEST_COUNT:,}"
        )


def read_config(table: dict[str, Any], path: Path) -> ModelConfig:
    """The model's settings, checked.  Raises CheckpointError."""
    try:
        return read_table(ModelConfig, table, "config")
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def read_tokenizer(text: str, vocab_size: int, path: Path) -> Tokenizer:
    """The tokenizer, if the model knows each of its ids.  Raises CheckpointError."""
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises bare Exception
        raise CheckpointError(f"{path}: its tokenizer cannot be read ({one_line(error)})") from error
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if largest >= vocab_size:
        raise CheckpointError(
            f"{path}: the tokenizer has ids up to {largest}, the model knows {vocab_size} tokens, numbered from 0: "
            "they do not belong together"
        )
    if tokenizer.padding or tokenizer.truncation:
        raise CheckpointError(f"{path}: its tokenizer pads or truncates, which no tokenizer of rfa-train does")
    return tokenizer


def build_model(config: ModelConfig, tensors: dict[str, Tensor], path: Path) -> LanguageModel:
    """Make the model around the file's tensors, without memory of its own.  Raises CheckpointError."""
    layers = {name.split(".")[1] for name in tensors if name.startswith("blocks.")}
    if len(layers) != config.layers:  # before as many are built
        raise CheckpointError(f"{path}: config says {config.layers} layers, the tensors are of {len(layers)}")
    with torch.device("meta"):
        model = LanguageModel(config)
    check_shapes(tensors, {name: tensor.shape for name, tensor in stored_tensors(model).items()}, path)
    # float() also undoes a checkpoint stored in half precision to save space.
    state = {name: tensor.detach().float() for name, tensor in tensors.items()}
    if config.tie_embeddings:
        state["head.weight"] = state["embedding.weight"]
    model.load_state_dict(state, assign=True)
    if config.tie_embeddings:
        model.head.weight = model.embedding.weight
    return model


def check_shapes(tensors: dict[str, Tensor], expected: dict[str, torch.Size], path: Path) -> None:
    """The tensors that the config asks for, each of its shape, and no others.  Raises CheckpointError."""
    for name in sorted(expected.keys() ^ tensors.keys()):
        problem = "missing" if name in expected else "not of this model"
        raise CheckpointError(f"{path}: tensor {shown(name)} is {problem}: the file is damaged or edited")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"{path}: tensor {name!r} has shape {tuple(tensors[name].shape)}, its config wants {tuple(shape)}"
            )


def stored_tensors(model: LanguageModel) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds; a tied head is stored once."""
    tensors = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    if model.config.tie_embeddings:
        del tensors["head.weight"]
    return tensors
