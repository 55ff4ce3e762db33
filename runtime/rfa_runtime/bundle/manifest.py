"""What a bundle says about itself: the contents of manifest.json as frozen values.  Standard library only.

The manifest holds what is needed to run a model, never its architecture.  `manifest_json.py` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from rfa_runtime.bundle.interface import BATCH, CAPACITY, LOGITS, SOURCE

FORMAT_VERSION = 1
DTYPE_BYTES = {"float16": 2, "float32": 4, "int32": 4}
"""The dtypes that a state may have; int32 only for what the encoder made."""

StateKind = Literal["recurrent", "cache", "cross"]
"""`recurrent`: of fixed size, starts at zero.  `cache`: grows with the sequence.  `cross`: made of a source by the
encoder, read by every step and never changed."""
Logits = Literal["last", "all", "sequence", "none"]
"""What a graph gives logits for: the last position, all, the whole text (a classifier), nothing (an encoder)."""


@dataclass(frozen=True)
class StateSpec:
    """One tensor that is carried from step to step."""

    kind: str
    """See StateKind."""
    past: str
    """The graph input that it comes in by."""
    present: str
    """The graph output that it leaves by; bound to the same buffer.  Of kind `cross`: an output of the encoder."""
    dtype: str
    shape: tuple[int | str, ...]
    """`batch` first; `capacity` third where it is a cache; `source` second or third where softmax reads a source."""

    def sizes(self, batch: int, capacity: int = 1, source: int = 1) -> tuple[int, ...]:
        """Return the shape with numbers in place of names."""
        named = {BATCH: batch, CAPACITY: capacity, SOURCE: source}
        return tuple(dim if isinstance(dim, int) else named[dim] for dim in self.shape)

    def row_bytes(self, capacity: int = 1, source: int = 1) -> int:
        """Bytes for one row of the batch."""
        return prod(self.sizes(1, capacity, source)) * DTYPE_BYTES[self.dtype]


def of_kind(states: Sequence[StateSpec], kind: StateKind) -> list[StateSpec]:
    """The states of one kind, in their order."""
    return [state for state in states if state.kind == kind]


def kinds(states: Sequence[StateSpec]) -> set[str]:
    """Which kinds of states there are."""
    return {state.kind for state in states}


@dataclass(frozen=True)
class GraphSpec:
    """One ONNX graph of the bundle."""

    file: str
    target: str
    """The runtime that it was written for."""
    inputs: tuple[str, ...]
    """Its inputs without the states."""
    logits: str
    """See Logits."""
    outputs: tuple[str, ...] = (LOGITS,)
    """Its outputs without the states."""
    rows: int = 0
    """How many texts it reads at once; 0 for any number."""


@dataclass(frozen=True)
class SpecialIds:
    """Tokens with a special meaning; None where the model has none."""

    bos: int | None = None
    """Starts every text."""
    eos: int | None = None
    """Ends every text."""
    other_ends: tuple[int, ...] = ()
    """Further tokens that end a text, such as the end of a turn."""

    @property
    def ends(self) -> frozenset[int]:
        """All tokens that end a text."""
        own = () if self.eos is None else (self.eos,)
        return frozenset((*own, *self.other_ends))


NO_SPECIAL_IDS = SpecialIds()


@dataclass(frozen=True)
class FileEntry:
    """What a file must be to be the one that was written."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All that a runtime has to know about a bundle."""

    producer: str
    """Name and version of the program that wrote it."""
    task: str
    vocab_size: int
    graphs: Mapping[str, GraphSpec]
    """By role: `model` decodes or classifies; `score`, where there is one, gives logits for all positions; `encoder`
    reads the source of a translator.  Graphs for other runtimes than ours have its name behind the role:
    `model.plain`, and `prefill.plain` where a prompt takes another graph."""
    state: tuple[StateSpec, ...]
    special_ids: SpecialIds = NO_SPECIAL_IDS
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of SamplingConfig."""
    scoring: Mapping[str, int] = field(default_factory=dict)
    """`segment_length`: tokens that are scored from one empty state; 0 carries the state through."""
    labels: tuple[str, ...] = ()
    """Of a classifier: names of the classes, in the order of the logits."""
    max_tokens: int = 0
    """Of a classifier: longer texts are cut here; 0 never cuts."""
    notes: tuple[str, ...] = ()
    """What the exporter left out or what a runtime cannot do, for people."""
    parity: Mapping[str, Any] = field(default_factory=dict)
    """The exporter's report, for people."""
    conversion: Mapping[str, Any] = field(default_factory=dict)
    """Of a model that was made of another: how good it is beside that one, for people."""
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    """Every file but the manifest; the writer fills it in."""
    format_version: int = FORMAT_VERSION
