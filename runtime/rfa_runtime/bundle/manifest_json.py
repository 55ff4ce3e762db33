"""manifest.json to Manifest and back.  Standard library only.

The file may come from anyone: nothing reaches a Manifest unchecked.  Unknown keys are left alone, so that later writers
can add remarks; whatever changes the meaning of a bundle raises its format version.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, get_args

from rfa_runtime.bundle.files import MANIFEST, check_name
from rfa_runtime.bundle.interface import BATCH, CAPACITY, ENCODER, LOGITS, SOURCE
from rfa_runtime.bundle.json_object import MAX_TEXT, JsonObject, parse_json
from rfa_runtime.bundle.manifest import (
    FORMAT_VERSION,
    FileEntry,
    GraphSpec,
    Logits,
    Manifest,
    SpecialIds,
    StateSpec,
    of_kind,
)
from rfa_runtime.errors import BundleVersionError, ManifestError

MAX_VOCABULARY = 1 << 24
MAX_STATES = 10_000
MAX_LABELS = 1 << 16
MAX_DIM = 1 << 31
MAX_RANK = 8
MAX_ROW_BYTES = 8 << 30
"""Of one row of all states: more is a mistake or an attack, and would fail only once it is allocated."""
MAX_FILE_BYTES = 1 << 44
STEP_DTYPES = ("float16", "float32")
CROSS_DTYPES = (*STEP_DTYPES, "int32")
NAMED_AXES: dict[str, tuple[dict[int, str], ...]] = {
    "recurrent": ({0: BATCH},),
    "cache": ({0: BATCH, 2: CAPACITY},),
    "cross": ({0: BATCH}, {0: BATCH, 1: SOURCE}, {0: BATCH, 2: SOURCE}),
}
"""Where a state of each kind may have a name in place of a size."""


def dump_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as JSON that people can read, and check that it can be read back."""
    table = asdict(manifest)
    table = {"format_version": table.pop("format_version"), **table}
    try:
        data = json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise ManifestError(f"the manifest cannot be written as JSON: {error}") from error
    parse_manifest(data)
    return data


def parse_manifest(data: bytes) -> Manifest:
    """Read and check a manifest.  Raises ManifestError, BundleVersionError or BundlePathError."""
    top = parse_json(data, MANIFEST)
    version = check_version(top)
    vocab_size = top.integer("vocab_size", 1, MAX_VOCABULARY)
    files = {name: file_entry(name, entry) for name, entry in top.child("files").children()}
    graphs = {role: graph_spec(entry, files) for role, entry in top.child("graphs").children()}
    states = state_specs(top)
    check_encoder(graphs, states)
    return Manifest(
        format_version=version,
        producer=top.text("producer"),
        task=top.text("task"),
        vocab_size=vocab_size,
        graphs=graphs,
        state=states,
        special_ids=special_ids(top.child("special_ids"), vocab_size),
        sampling=sampling(top.child("sampling")),
        scoring=scoring(top.child("scoring")),
        labels=labels(top, graphs),
        max_tokens=top.integer("max_tokens", 0, MAX_DIM) if "max_tokens" in top.table else 0,
        notes=notes(top),
        parity=top.child("parity").table,
        conversion=top.child("conversion").table if "conversion" in top.table else {},
        files=files,
    )


def check_version(top: JsonObject) -> int:
    """Return the format's version.  Comes first: a newer format may have changed anything else."""
    version = top.integer("format_version", 1, 1 << 31)
    if version > FORMAT_VERSION:
        raise BundleVersionError(
            f"the bundle has format {version}, this reader knows formats up to {FORMAT_VERSION}: upgrade rfa-runtime"
        )
    return version


def file_entry(name: str, entry: JsonObject) -> FileEntry:
    """One file of the list."""
    check_name(name)
    if name == MANIFEST:
        raise ManifestError(f"{MANIFEST} lists itself among its files")
    digest = entry.text("sha256")
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        entry.refuse("sha256", digest, "64 hexadecimal digits in lower case")
    return FileEntry(entry.integer("bytes", 0, MAX_FILE_BYTES), digest)


def graph_spec(entry: JsonObject, files: dict[str, FileEntry]) -> GraphSpec:
    """One graph; its file must be in the list."""
    file = check_name(entry.text("file"))
    if file not in files:
        entry.refuse("file", file, "a file of the list")
    inputs = names(entry, "inputs")
    outputs = names(entry, "outputs") if "outputs" in entry.table else (LOGITS,)
    logits = entry.choice("logits", get_args(Logits))
    rows = entry.integer("rows", 0, MAX_DIM) if "rows" in entry.table else 0
    return GraphSpec(file, entry.text("target"), inputs, logits, outputs, rows)


def names(entry: JsonObject, key: str) -> tuple[str, ...]:
    """A list of distinct names."""
    found = entry.array(key)
    distinct: set[str] = set()
    for name in found:
        if not isinstance(name, str) or not name or name in distinct:
            entry.refuse(key, found, "a list of distinct names")
        distinct.add(name)
    if not found:
        entry.refuse(key, found, "a list of distinct names")
    return tuple(found)


def state_specs(top: JsonObject) -> tuple[StateSpec, ...]:
    """All states; together they must fit a machine."""
    entries = top.array("state")
    if len(entries) > MAX_STATES:
        raise ManifestError(f"{MANIFEST} lists {len(entries)} states, at most {MAX_STATES} are allowed")
    states = [state_spec(JsonObject(entry, f"{MANIFEST}.state[{place}]")) for place, entry in enumerate(entries)]
    total = 0
    used: set[str] = set()
    for state in states:
        total += state.row_bytes()
        for name in (state.past,) if state.kind == "cross" else (state.past, state.present):
            if name in used:
                raise ManifestError(f"{MANIFEST} uses the state name {name!r} twice")
            used.add(name)
    if total > MAX_ROW_BYTES:
        raise ManifestError(f"the states take {total:,} bytes for one row, at most {MAX_ROW_BYTES:,} are allowed")
    return tuple(states)


def state_spec(entry: JsonObject) -> StateSpec:
    """One state; all but its batch is fixed, and the capacity of a cache, and the source that a cross tensor is of."""
    kind = entry.choice("kind", tuple(NAMED_AXES))
    shape = entry.array("shape")
    if not any(fits(shape, named) for named in NAMED_AXES[kind]):
        wanted = ", or ".join(map(spelled, NAMED_AXES[kind]))
        raise ManifestError(
            f"{entry.where}.shape is {json.dumps(shape)[:80]}, wanted {wanted}, among at most {MAX_RANK} sizes above 0"
        )
    dtype = entry.choice("dtype", CROSS_DTYPES if kind == "cross" else STEP_DTYPES)
    spec = StateSpec(kind, entry.text("past"), entry.text("present"), dtype, tuple(shape))
    if kind == "cross" and spec.past != spec.present:
        entry.refuse("present", spec.present, "the name of its past, as no step changes it")
    return spec


def fits(shape: list[Any], named: dict[int, str]) -> bool:
    """Whether a shape has these names at their places, and sizes everywhere else."""
    if not max(named) < len(shape) <= MAX_RANK:
        return False
    for axis, dim in enumerate(shape):
        fitting = dim == named[axis] if axis in named else is_size(dim)
        if not fitting:
            return False
    return True


def spelled(named: dict[int, str]) -> str:
    """Names and their places, for a message."""
    return " and ".join(f"{name!r} at {axis}" for axis, name in named.items())


def check_encoder(graphs: dict[str, GraphSpec], states: tuple[StateSpec, ...]) -> None:
    """Raise ManifestError unless every encoder gives the cross tensors, all of them and nothing else."""
    wanted = {state.past for state in of_kind(states, "cross")}
    encoders = []
    for role, spec in graphs.items():
        if role.partition(".")[0] == ENCODER:
            encoders.append(set(spec.outputs))
    for given in encoders or [set[str]()]:
        if given - wanted:
            raise ManifestError(
                f"{MANIFEST}: the encoder gives {min(given - wanted)!r}, which is no state of kind 'cross'"
            )
        if wanted - given:
            raise ManifestError(f"{MANIFEST}: no encoder gives the state {min(wanted - given)!r} of kind 'cross'")


def is_size(dim: object) -> bool:
    """A dimension above zero that arithmetic can bear."""
    return type(dim) is int and 0 < dim < MAX_DIM


def special_ids(entry: JsonObject, vocab_size: int) -> SpecialIds:
    """Ids within the vocabulary, or null."""
    bos = special_id(entry, "bos", vocab_size)
    eos = special_id(entry, "eos", vocab_size)
    return SpecialIds(bos, eos, other_ends(entry, vocab_size))


def special_id(entry: JsonObject, name: str, vocab_size: int) -> int | None:
    """One of them."""
    if entry.value(name) is None:
        return None
    return entry.integer(name, 0, vocab_size - 1)


def other_ends(entry: JsonObject, vocab_size: int) -> tuple[int, ...]:
    """Further tokens that end a text; bundles of older writers have none."""
    found = entry.array("other_ends") if "other_ends" in entry.table else []
    for token in found:
        if type(token) is not int or not 0 <= token < vocab_size:
            entry.refuse("other_ends", found, f"a list of whole numbers from 0 to {vocab_size - 1}")
    return tuple(found)


def notes(top: JsonObject) -> tuple[str, ...]:
    """Remarks for people; bundles of older writers have none."""
    return names(top, "notes") if top.table.get("notes") else ()


def sampling(entry: JsonObject) -> dict[str, Any]:
    """Numbers or null; SamplingConfig knows their names and ranges."""
    for key, value in entry.table.items():
        if value is not None and type(value) not in (int, float):
            entry.refuse(key, value, "a number or null")
    return entry.table


def labels(top: JsonObject, graphs: dict[str, GraphSpec]) -> tuple[str, ...]:
    """Names of the classes; there are none where no graph classifies, and in bundles of older writers."""
    found = names(top, "labels") if top.table.get("labels") else ()
    longest = max(map(len, found), default=0)
    if len(found) > MAX_LABELS or longest > MAX_TEXT:
        top.refuse("labels", found, f"at most {MAX_LABELS} names of at most {MAX_TEXT} characters")
    if not found and "sequence" in {graph.logits for graph in graphs.values()}:
        raise ManifestError(f"{MANIFEST} has no labels, and a graph that gives logits for them")
    return found


def scoring(entry: JsonObject) -> dict[str, int]:
    """The segment's length; without one the state is carried through."""
    return {"segment_length": entry.integer("segment_length", 0, MAX_DIM)} if entry.table else {}
