"""`model.pt`: config, tokenizer and tensors in one file of plain types, read with `weights_only=True`.

    format          "rfa-checkpoint"
    format_version  1
    task            "language-model"
    config          ModelConfig as nested dicts
    tokenizer       the text of tokenizer.json
    segment_length  tokens per training segment, the default for scoring
    training        what is known of the training: steps, validation perplexity, versions
    tensors         name -> tensor; the evaluation's random matrices among them

A file from elsewhere is hostile until checked: nothing is built larger than the tensors that the file really holds.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.config import ModelConfig
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.language_model import LanguageModel
from rfa_models.tables import read_table

FORMAT = "rfa-checkpoint"
FORMAT_VERSION = 1
TASK = "language-model"


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
    table = read_tables(path)
    check_header(table, path)
    try:
        config = read_table(ModelConfig, table["config"], "config")
        tokenizer = Tokenizer.from_str(table["tokenizer"])
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except Exception as error:  # tokenizers raises bare Exception
        raise CheckpointError(f"{path}: its tokenizer cannot be read ({one_line(error)})") from error
    if tokenizer.get_vocab_size() > config.vocab_size:
        raise CheckpointError(
            f"{path}: the tokenizer has {tokenizer.get_vocab_size()} tokens, the model knows {config.vocab_size}"
        )
    model = build_model(config, table["tensors"], path)
    return Checkpoint(model.eval(), tokenizer, table["segment_length"], table["training"])


def build_model(config: ModelConfig, tensors: dict[str, Tensor], path: Path) -> LanguageModel:
    """Make the model around the file's tensors, without memory of its own."""
    layers = {name.split(".")[1] for name in tensors if name.startswith("blocks.")}
    if len(layers) != config.layers:
        raise CheckpointError(f"{path}: config says {config.layers} layers, the tensors are of {len(layers)}")
    with torch.device("meta"):
        model = LanguageModel(config)
    expected = {name: tensor.shape for name, tensor in stored_tensors(model).items()}
    for name in expected.keys() ^ tensors.keys():
        raise CheckpointError(f"{path}: tensor {name!r} is {'missing' if name in expected else 'not of this model'}")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"{path}: tensor {name!r} has shape {tuple(tensors[name].shape)}, its config wants {tuple(shape)}"
            )
    # float() also undoes a checkpoint stored in half precision to save space.
    state = {name: tensor.float().contiguous() for name, tensor in tensors.items()}
    if config.tie_embeddings:
        state["head.weight"] = state["embedding.weight"]
    model.load_state_dict(state, assign=True)
    if config.tie_embeddings:
        model.head.weight = model.embedding.weight
    return model


def stored_tensors(model: LanguageModel) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds; a tied head is stored once."""
    tensors = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    if model.config.tie_embeddings:
        del tensors["head.weight"]
    return tensors


def read_tables(path: Path, wanted: str = FORMAT) -> dict[str, Any]:
    """Unpickle plain types and tensors, nothing that runs.  wanted: the file's `format` entry."""
    try:
        table = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors and plain values, so it was not loaded: is it one of our checkpoints?"
        ) from error
    except OSError:
        raise
    except Exception as error:  # a damaged archive surfaces as RuntimeError, EOFError, KeyError, struct.error, ...
        kind = "damaged" if zipfile.is_zipfile(path) else "truncated or no checkpoint at all"
        raise CheckpointError(f"{path}: the file is {kind} ({one_line(error)}): get it again") from error
    if not isinstance(table, dict) or table.get("format") != wanted:
        raise CheckpointError(f"{path}: not a file that rfa-train wrote: train a model, or ask for its original")
    return table


def check_header(table: dict[str, Any], path: Path) -> None:
    """Every entry there, of its type, and of a version that this code knows."""
    version = table.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: format version {version!r}, this rfa-export reads up to {FORMAT_VERSION}: update rfa-export"
        )
    if table.get("task") != TASK:
        raise CheckpointError(f"{path}: task {table.get('task')!r}, wanted {TASK!r}")
    types = {"config": dict, "tokenizer": str, "segment_length": int, "training": dict, "tensors": dict}
    for key, wanted in types.items():
        if not isinstance(table.get(key), wanted):
            raise CheckpointError(f"{path}: its {key!r} is not a {wanted.__name__}: the file is damaged")
    if table["segment_length"] < 1:
        raise CheckpointError(f"{path}: segment_length is {table['segment_length']}, wanted at least 1")
    for name, tensor in table["tensors"].items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise CheckpointError(f"{path}: {name!r} among its tensors is not a tensor of floating-point numbers")
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: tensor {name!r} holds values that are not finite")


def save_atomically(table: dict[str, Any], path: Path) -> None:
    """torch.save beside the target, then rename: a kill or a full disk leaves the old file as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(table, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except RuntimeError as error:  # torch reports a failed write, such as a full disk, as RuntimeError
        raise OSError(f"{path}: could not be written ({one_line(error)}): is the disk full?") from error
    finally:
        temporary.unlink(missing_ok=True)


def one_line(error: Exception) -> str:
    """The first line of an error's text, or its class where there is none."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
