"""A GGUF file, llama.cpp's: settings, tokenizer and weights in one file, weights often in few bits.

Settings and names are put in the words of Hugging Face, so that one table serves both.  The package `gguf` reads the
file and takes weights apart: the extra `gguf`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rfa_models.convert.pretrained.catalogue import architecture_of
from rfa_models.convert.pretrained.folder import check_ids, check_special_ids
from rfa_models.convert.pretrained.llama_cpp.gguf_header import check_header
from rfa_models.convert.pretrained.llama_cpp.gguf_names import NAMES, SETTINGS
from rfa_models.convert.pretrained.llama_cpp.gguf_tokenizer import read_tokenizer
from rfa_models.convert.pretrained.rotary_pairs import halves_from_neighbours
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.convert.pretrained.tensors import load_model
from rfa_models.errors import CheckpointError, ConfigError, DataError
from rfa_models.wording import one_line, shown
from rfa_runtime.bundle.manifest import SpecialIds

gguf: Any
try:
    import gguf
except ImportError:
    gguf = None

ARCHITECTURE = "general.architecture"
CHAT_TEMPLATE = "tokenizer.chat_template"
NEIGHBOURS = "llama"
"""The architecture whose files have the pairs of a rotation side by side."""
SCALED = "rope_freqs.weight"
"""Present where angles are scaled."""
UNSCALED = (None, "none")


class GgufSource:
    """The tensors of such a file, each taken apart when it is asked for."""

    def __init__(self, path: Path, reader: Any, heads: tuple[int, int] | None) -> None:
        """heads: of queries and of keys, where their channels are to be put in another order."""
        self.path = path
        self._heads = heads
        self._tensors = {}
        for tensor in reader.tensors:
            self._tensors[translated(tensor.name)] = tensor

    def names(self) -> Iterable[str]:
        return self._tensors

    def read(self, name: str) -> Tensor:
        stored = self._tensors[name]
        try:
            numbers = gguf.dequantize(stored.data, stored.tensor_type)
        except Exception as error:  # of numpy, or the package's own for a type that it does not know
            raise CheckpointError(f"{self.path}: tensor {name!r} cannot be read: {one_line(error)}") from error
        tensor = torch.from_numpy(numbers.copy()).float()
        if self._heads is None or ".self_attn." not in name:
            return tensor
        of_queries, of_keys = self._heads
        try:
            if ".q_proj." in name:
                return halves_from_neighbours(tensor, of_queries)
            if ".k_proj." in name:
                return halves_from_neighbours(tensor, of_keys)
        except RuntimeError as error:
            shape = tuple(tensor.shape)
            raise CheckpointError(
                f"{self.path}: tensor {name!r} has shape {shape}, which heads do not divide"
            ) from error
        return tensor


def read_gguf(path: Path) -> SoftmaxModel:
    """Read a file.

    Raises CheckpointError for a file that is damaged, of an architecture that is not known, or where the package is
    missing; DataError for its tokenizer; OSError where it cannot be opened.
    """
    reader = open_gguf(path)
    fields = Fields(path, reader)
    kind = fields.text(ARCHITECTURE)
    names = [tensor.name for tensor in reader.tensors]
    if kind not in SETTINGS:
        raise CheckpointError(f"{path}: a GGUF of {shown(kind)} is not read: known are {', '.join(SETTINGS)}")
    try:
        architecture = architecture_of(kind)
        config = architecture.config(settings(fields, kind, names, vocabulary(reader, path)))
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    tokenizer = read_tokenizer(fields.table, path)
    check_ids(max(tokenizer.get_vocab().values(), default=-1), config.vocab_size, path)
    special_ids = special_ids_of(fields)
    check_special_ids(special_ids, config.vocab_size, path)
    template = fields.table.get(CHAT_TEMPLATE)
    if template is not None and not isinstance(template, str):
        raise DataError(f"{path}: its {CHAT_TEMPLATE} is {shown(template)}, wanted text")
    attention = config.attention
    heads = (attention.heads, attention.groups) if kind == NEIGHBOURS else None
    model = load_model(architecture, config, GgufSource(path, reader, heads))
    return SoftmaxModel(model, tokenizer, special_ids, chat_template=template)


def open_gguf(path: Path) -> Any:
    """Map a file.  Raises CheckpointError where it is none, or where the package is missing; OSError as `open` does."""
    if gguf is None:
        raise CheckpointError(f"{path}: GGUF files are read by the package gguf: pip install 'rfa-export[gguf]'")
    check_header(path)
    try:
        return gguf.GGUFReader(path)
    except OSError:
        raise
    except Exception as error:  # the package checks little: numpy's errors come out as they are
        raise CheckpointError(f"{path}: not a whole GGUF file ({one_line(error)}): get it again") from error


class Fields:
    """The settings of a file as plain values."""

    def __init__(self, path: Path, reader: Any) -> None:
        """Read all of them.  Raises CheckpointError where one is damaged."""
        self.path = path
        self.table: dict[str, Any] = {}
        for name, field in reader.fields.items():
            try:
                self.table[name] = field.contents()
            except Exception as error:  # as for the file
                raise CheckpointError(f"{path}: its {name!r} cannot be read: {one_line(error)}") from error

    def text(self, key: str) -> str:
        """A setting that is a word.  Raises CheckpointError."""
        value = self.table.get(key)
        if not isinstance(value, str):
            raise CheckpointError(f"{self.path}: its {key} is {shown(value)}, wanted a word")
        return value


def settings(fields: Fields, kind: str, names: list[str], vocab_size: int) -> Mapping[str, Any]:
    """The settings in the words of config.json.  Raises ConfigError for angles that are scaled."""
    scaling = fields.table.get(f"{kind}.rope.scaling.type")
    if SCALED in names or scaling not in UNSCALED:
        raise ConfigError("its rotary angles are scaled: such models are not read yet")
    found: dict[str, Any] = {"vocab_size": vocab_size, "tie_word_embeddings": "output.weight" not in names}
    for theirs, key in SETTINGS[kind].items():
        value = fields.table.get(f"{kind}.{theirs}")
        if value is not None:
            found[key] = value
    return found


def vocabulary(reader: Any, path: Path) -> int:
    """How many tokens the embedding has.  Raises CheckpointError."""
    for tensor in reader.tensors:
        if tensor.name == "token_embd.weight" and len(tensor.shape) == 2:
            return int(tensor.shape[1])
    raise CheckpointError(f"{path}: has no token_embd.weight: is it a language model?")


def special_ids_of(fields: Fields) -> SpecialIds:
    """The tokens that begin and end a text.  Raises DataError."""
    found = {}
    for word in ("bos", "eos", "eot"):
        token = fields.table.get(f"tokenizer.ggml.{word}_token_id")
        if token is not None and (type(token) is not int or token < 0):
            raise DataError(f"{fields.path}: its {word}_token_id is {shown(token)}, wanted a token's id")
        found[word] = token
    spm = fields.table.get("tokenizer.ggml.model") == "llama"
    begins = fields.table.get("tokenizer.ggml.add_bos_token", spm)
    if not isinstance(begins, bool):
        raise DataError(f"{fields.path}: its add_bos_token is {shown(begins)}, wanted true or false")
    others = (found["eot"],) if found["eot"] not in (None, found["eos"]) else ()
    return SpecialIds(found["bos"] if begins else None, found["eos"], others)


def translated(name: str) -> str:
    """A tensor's name in the words of Hugging Face; a name that is not known stays."""
    words = name.split(".")
    if words[0] == "blk" and len(words) > 3:
        short = ".".join(words[2:])
        return NAMES.get(f"blk.{short}", name).replace("{}", words[1])
    return NAMES.get(name, name)
