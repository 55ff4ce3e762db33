"""A model of llama2.c: `NAME.bin` with a header of seven numbers, and the tokenizer's pieces in a second file.

model      int32 width, hidden, layers, heads, heads of keys, tokens (below zero: the head is not the embedding),
longest text; then float32 tensors, for all layers together
tokenizer  int32 longest piece; then for each token float32 score, int32 length, bytes
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rfa_models.convert.pretrained.formats import LLAMA2C
from rfa_models.convert.pretrained.llama import LLAMA
from rfa_models.convert.pretrained.piece_tokenizer import Piece, tokenizer_of_pieces
from rfa_models.convert.pretrained.rotary_pairs import halves_from_neighbours
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.convert.pretrained.tensors import load_model
from rfa_models.errors import CheckpointError, ConfigError, DataError
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.wording import Setting

HEADER = 7
"""Numbers."""
NUMBER_BYTES = 4
LARGEST = 2**20
"""Of any number of the header: more than such a model has."""
START = 1
END = 2
"""llama2.c begins texts with token 1, and takes token 1 for their end as well."""
PIECE_HEADER = 8
"""Bytes of a piece's score and length."""


@dataclass(frozen=True)
class Header:
    """What the first numbers say."""

    width: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocab_size: int
    longest: int
    tied: bool

    @property
    def kv_width(self) -> int:
        """Width of the keys and of the values."""
        return self.width // self.heads * self.kv_heads

    def config(self) -> dict[str, object]:
        """The same in the words of a Llama's config.json."""
        return {
            "hidden_size": self.width,
            "intermediate_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocab_size,
            "max_position_embeddings": self.longest,
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": self.tied,
        }

    def parts(self) -> list[tuple[str, tuple[int, ...]]]:
        """Names and shapes in the order of the file.  `{}` stands for the layer, of which the first size counts."""
        layer = "model.layers.{}."
        found: list[tuple[str, tuple[int, ...]]] = [
            ("model.embed_tokens.weight", (self.vocab_size, self.width)),
            (layer + "input_layernorm.weight", (self.layers, self.width)),
            (layer + "self_attn.q_proj.weight", (self.layers, self.width, self.width)),
            (layer + "self_attn.k_proj.weight", (self.layers, self.kv_width, self.width)),
            (layer + "self_attn.v_proj.weight", (self.layers, self.kv_width, self.width)),
            (layer + "self_attn.o_proj.weight", (self.layers, self.width, self.width)),
            (layer + "post_attention_layernorm.weight", (self.layers, self.width)),
            (layer + "mlp.gate_proj.weight", (self.layers, self.hidden, self.width)),
            (layer + "mlp.down_proj.weight", (self.layers, self.width, self.hidden)),
            (layer + "mlp.up_proj.weight", (self.layers, self.hidden, self.width)),
            ("model.norm.weight", (self.width,)),
            ("rotary_emb.inv_freq", (2, self.longest, self.width // self.heads // 2)),
        ]
        if not self.tied:
            found.append(("lm_head.weight", (self.vocab_size, self.width)))
        return found


class Llama2cSource:
    """The tensors of such a file by the names of Hugging Face's Llama.  The file is mapped, not read."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.header = header
        self._numbers = np.memmap(path, np.float32, mode="r", offset=HEADER * NUMBER_BYTES)
        self._places: dict[str, tuple[int, tuple[int, ...]]] = {}
        start = 0
        for name, shape in header.parts():
            if "{}" in name:
                for layer in range(header.layers):
                    self._places[name.format(layer)] = (start, shape[1:])
                    start += math.prod(shape[1:])
            else:
                self._places[name] = (start, shape)
                start += math.prod(shape)

    def names(self) -> Iterable[str]:
        return self._places

    def read(self, name: str) -> Tensor:
        start, shape = self._places[name]
        tensor = torch.from_numpy(self._numbers[start : start + math.prod(shape)].copy()).view(shape)
        if name.endswith("q_proj.weight"):
            return halves_from_neighbours(tensor, self.header.heads)
        if name.endswith("k_proj.weight"):
            return halves_from_neighbours(tensor, self.header.kv_heads)
        return tensor


def read_llama2c(path: Path, tokenizer: Path | None = None) -> SoftmaxModel:
    """Read a model.  tokenizer: of its pieces; None looks beside the model for tokN.bin or tokenizer.bin.

    Raises CheckpointError for a file that is no such model, DataError for a tokenizer that does not fit, OSError where
    one cannot be opened.
    """
    header = read_header(path)
    try:
        config = LLAMA.config(header.config())
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}: is this a model of llama2.c?") from error
    pieces = read_pieces(tokenizer or tokenizer_beside(path, header.vocab_size), header.vocab_size)
    model = load_model(LLAMA, config, Llama2cSource(path, header))
    return SoftmaxModel(model, tokenizer_of_pieces(pieces, (START, END)), SpecialIds(START, END, (START,)))


def read_header(path: Path) -> Header:
    """The header, if the file has the size that follows from it.  Raises CheckpointError."""
    with path.open("rb") as file:
        head = file.read(HEADER * NUMBER_BYTES)
    if len(head) < HEADER * NUMBER_BYTES:
        raise CheckpointError(f"{path}: has {len(head)} bytes, a model of llama2.c begins with {HEADER} numbers")
    width, hidden, layers, heads, kv_heads, tokens, longest = np.frombuffer(head, "<i4").tolist()
    header = Header(width, hidden, layers, heads, kv_heads, abs(tokens), longest, tied=tokens > 0)
    sizes = (width, hidden, layers, heads, kv_heads, abs(tokens), longest)
    few = abs(tokens) <= END
    if few or min(sizes) < 1 or max(sizes) > LARGEST or width % heads or heads % kv_heads:
        raise CheckpointError(
            f"{path}: its first numbers are {sizes}: not a model of llama2.c in float32, which is what is read"
        )
    wanted = HEADER + sum(math.prod(shape) for _, shape in header.parts())
    found = path.stat().st_size
    if found != wanted * NUMBER_BYTES:
        raise CheckpointError(
            f"{path}: has {found:,} bytes, its header wants {wanted * NUMBER_BYTES:,}: the file is cut or another kind"
        )
    return header


def tokenizer_beside(path: Path, vocab_size: int) -> Path:
    """The tokenizer's file.  Raises CheckpointError where there is none."""
    names = (f"tok{vocab_size}{LLAMA2C}", "tokenizer.bin")
    for name in names:
        if path.with_name(name).is_file():
            return path.with_name(name)
    raise CheckpointError(
        f"{path}: no {names[0]} or {names[1]} lies beside it: name its tokenizer with ", Setting("tokenizer")
    )


def read_pieces(path: Path, vocab_size: int) -> list[Piece]:
    """The pieces by their ids.  Raises DataError unless there is one for each token of the model."""
    raw = path.read_bytes()
    pieces: list[Piece] = []
    at = NUMBER_BYTES
    while at < len(raw):
        if len(raw) - at < PIECE_HEADER:
            raise DataError(f"{path}: ends within a piece: the file is cut")
        score = float(np.frombuffer(raw, "<f4", 1, at)[0])
        length = int(np.frombuffer(raw, "<i4", 1, at + NUMBER_BYTES)[0])
        start = at + PIECE_HEADER
        at = start + length
        if length < 0 or at > len(raw):
            raise DataError(f"{path}: a piece has length {length}: the file is cut or no tokenizer of llama2.c")
        pieces.append(Piece(spelled(raw[start:at], len(pieces)), score))
    if len(pieces) != vocab_size:
        raise DataError(
            f"{path}: has {len(pieces):,} pieces, the model knows {vocab_size:,} tokens: another's tokenizer"
        )
    return pieces


def spelled(piece: bytes, token: int) -> str:
    """A piece in the words of Hugging Face: the first three have names, a blank is written."""
    named = {0: "<unk>", START: "<s>", END: "</s>"}
    if token in named:
        return named[token]
    return piece.decode(errors="replace").replace(" ", "\u2581")
