"""A checkpoint of the authors' release, as fairseq writes it: hostile until checked (`untrusted.py`).

    {"model": tensors by name, "args": settings, ...}     settings: a table, or the Namespace of argparse
    {"model": tensors by name, "cfg": {"model": settings, ...}, ...}
    tensors by name                                       without settings

Optimizer states and whatever else lies beside are left where they are.
"""

from __future__ import annotations

import pickle
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.serialization import safe_globals

from rfa_models.checkpoints.untrusted import check_tensors, unpickle
from rfa_models.checks import LARGEST_COUNT, LARGEST_SIZE, check_fraction, check_positive, check_whole
from rfa_models.convert.architecture import refuse_adaptive
from rfa_models.convert.names import without_wrappers
from rfa_models.convert.programs import RELEASE, Program, program_of
from rfa_models.errors import CheckpointError, ConfigError, ModelError
from rfa_models.tables import read_table
from rfa_models.wording import shown

BEFORE_ZIP = b"\x80\x02\x8a\x0a"
"""How torch files begin that were written before version 1.6."""
NO_WEIGHTS = ("version", "_float_tensor")
"""Last parts of the names of tensors by which fairseq knows its own versions and devices."""


@dataclass(frozen=True)
class ReleaseSettings:
    """What the tensors do not say, under the names of the release's arguments, of which there are many more."""

    encoder_attention_heads: int | None = None
    causal_proj_dim: int | None = None
    """D of causal attention."""
    cross_proj_dim: int | None = None
    causal_tau: float = 1.0
    cross_tau: float = 1.0
    reparam_proj: bool = True
    """Whether sigma is learned."""
    cuda_causal_rfa: bool = True
    """Whether training computed causal attention as decoding does, or by a mask and another denominator."""
    learned_tau: bool = False
    norm_rescale: bool = False
    random_feature: Literal["rrf"] = "rrf"
    """Sines and cosines.  This and the two before it are settings of rfa-doc-mt."""
    activation_fn: Literal["gelu", "relu"] = "relu"
    dropout: float = 0.1
    no_scale_embedding: bool = False
    no_token_positional_embeddings: bool = False
    tokens_per_sample: int = 512

    def __post_init__(self) -> None:
        check_positive(self, "causal_tau", "cross_tau")
        check_fraction(self, "dropout")
        check_whole(self, 1, LARGEST_COUNT, "tokens_per_sample")
        for name in ("encoder_attention_heads", "causal_proj_dim", "cross_proj_dim"):
            if getattr(self, name) is not None:
                check_whole(self, 1, LARGEST_SIZE, name)
        if self.learned_tau or self.norm_rescale:
            name = "learned_tau" if self.learned_tau else "norm_rescale"
            raise ConfigError(f"{name} is true: only models with a fixed tau and keys of length 1 can be converted")
        if not self.reparam_proj:
            raise ConfigError("reparam_proj is false: only models with a learned sigma can be converted")


@dataclass(frozen=True)
class Release:
    """A checkpoint of the release, checked."""

    path: Path
    tensors: dict[str, Tensor]
    """float32; those that are tied are the same tensor."""
    settings: ReleaseSettings
    has_settings: bool
    """Whether the file has any, or all are the release's defaults."""
    program: Program = RELEASE
    """What wrote the file."""


def read_release(path: Path) -> Release:
    """Read a checkpoint of the release.  Raises CheckpointError, or OSError as `open` does."""
    table = read_file(path)
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"{path}: holds {shown(table)}, wanted a checkpoint of the authors' release")
    if str(table.get("format", "")).startswith("rfa-"):
        raise CheckpointError(f"{path}: is one of our own files, there is nothing to convert: give it to rfa-export")
    tensors = table["model"] if isinstance(table.get("model"), dict) else table
    weights = {name: tensor for name, tensor in tensors.items() if not is_no_weight(name)}
    settings = settings_table(table, path)
    with named(path):
        refuse_adaptive(weights, settings)
    plain = checked(weights, path)
    with named(path):
        return Release(
            path, without_wrappers(plain), read_settings(settings), bool(settings), program_of(plain, settings)
        )


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put the name of the file before what is wrong with it."""
    try:
        yield
    except ModelError as error:
        raise CheckpointError(f"{path}: ", *error.parts) from error


def read_file(path: Path) -> Any:
    """What the file holds.  Raises CheckpointError."""
    with path.open("rb") as file:
        if file.read(len(BEFORE_ZIP)) == BEFORE_ZIP:
            raise CheckpointError(
                f"{path}: written in the form of torch before 1.6: load it and save {{'model': ..., 'args': ...}} again"
            )
        try:
            with safe_globals([Namespace]):  # a plain holder of values, in which fairseq keeps its arguments
                return unpickle(file, path)
        except CheckpointError as error:
            if isinstance(error.__cause__, pickle.UnpicklingError):
                raise CheckpointError(
                    f"{path}: holds more than tensors and plain values, so it was not loaded: "
                    "save only {'model': ..., 'args': vars(...)} from it where you trust it"
                ) from error
            raise


def is_no_weight(name: Any) -> bool:
    """Whether a tensor's name is one of those that fairseq adds."""
    return isinstance(name, str) and name.rpartition(".")[2] in NO_WEIGHTS


def checked(tensors: dict[Any, Any], path: Path) -> dict[str, Tensor]:
    """The tensors in float32, tied ones still tied.  Raises CheckpointError."""
    distinct: dict[Any, Any] = {}
    names = {}  # to the first name of the same tensor: together they take no more of the file than one
    for name, tensor in tensors.items():
        names[name] = distinct.setdefault(identity(tensor), name)
    check_tensors({name: tensors[name] for name in distinct.values()}, path)
    converted = {name: tensors[name].detach().float() for name in distinct.values()}
    return {name: converted[first] for name, first in names.items()}


def identity(tensor: Any) -> Any:
    """A key that is equal for tensors which are one block of numbers under two names."""
    if not isinstance(tensor, Tensor) or tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return id(tensor)
    return tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()


def settings_table(table: dict[str, Any], path: Path) -> dict[Any, Any]:
    """The settings of the model, empty where the file has none.  Raises CheckpointError."""
    found = table.get("args")
    if found is None and isinstance(table.get("cfg"), dict):
        found = table["cfg"].get("model")
    if isinstance(found, Namespace):
        found = vars(found)
    if found is not None and not isinstance(found, dict):
        raise CheckpointError(f"{path}: its settings are {shown(found)}, wanted a table")
    return found or {}


def read_settings(table: dict[Any, Any]) -> ReleaseSettings:
    """The settings that matter here, checked; None stands for the default.  Raises ConfigError."""
    known = {}
    for entry in fields(ReleaseSettings):
        if table.get(entry.name) is not None:
            known[entry.name] = table[entry.name]
    return read_table(ReleaseSettings, known, "args")
