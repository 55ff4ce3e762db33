"""Bundles that every runtime must refuse, each spelled out byte by byte."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from rfa_runtime.bundle.bundle import MAX_MANIFEST_BYTES

HASH = hashlib.sha256(b"weights").hexdigest()
MANIFEST: dict[str, Any] = {
    "format_version": 1,
    "producer": "a program 1.0",
    "task": "language-model",
    "vocab_size": 512,
    "graphs": {
        "model": {"file": "model.onnx", "target": "ort", "inputs": ["input_ids", "position_ids"], "logits": "last"}
    },
    "state": [
        {"kind": "recurrent", "past": "p.0", "present": "q.0", "dtype": "float32", "shape": ["batch", 4, 64, 33]},
    ],
    "special_ids": {"bos": 1, "eos": None},
    "sampling": {"temperature": 0.8, "top_k": 40},
    "scoring": {"segment_length": 256},
    "parity": {"ort": {"anything": [1, 2]}},
    "files": {"model.onnx": {"bytes": 7, "sha256": HASH}},
}
STATE = MANIFEST["state"][0]
GRAPH = MANIFEST["graphs"]["model"]
CACHE = {"kind": "cache", "past": "p.1", "present": "q.1", "dtype": "float16", "shape": ["batch", 4, "capacity", 32]}
KEYS = {"kind": "cross", "past": "x", "present": "x", "dtype": "float32", "shape": ["batch", 4, "source", 32]}
MASK = {"kind": "cross", "past": "m", "present": "m", "dtype": "int32", "shape": ["batch", "source"]}
ENCODER = GRAPH | {"inputs": ["input_ids", "attention_mask"], "logits": "none", "outputs": ["x", "m"]}
TRANSLATOR: dict[str, Any] = {
    "task": "translation",
    "graphs": {"encoder": ENCODER, "model": GRAPH},
    "state": [STATE, CACHE, KEYS, MASK],
}
CLASSIFIER: dict[str, Any] = {
    "task": "classification",
    "graphs": {"model": GRAPH | {"logits": "sequence"}},
    "state": [],
    "labels": ["good", "bad"],
    "max_tokens": 4000,
}


def by_hand(folder: Path, **changes: Any) -> Path:
    """A bundle without our writer; a good one where nothing is changed."""
    return with_manifest(folder, json.dumps(MANIFEST | changes).encode())


def with_manifest(folder: Path, data: bytes) -> Path:
    """A bundle whose manifest has these bytes."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "manifest.json").write_bytes(data)
    return folder


def beside(text: bytes) -> bytes:
    """The bytes of a good manifest, and one more key in it."""
    return json.dumps(MANIFEST).encode()[:-1] + b", " + text + b"}"


def without(folder: Path, key: str) -> Path:
    """A bundle whose manifest lacks something."""
    table = dict(MANIFEST)
    del table[key]
    return with_manifest(folder, json.dumps(table).encode())


def with_file_name(folder: Path, name: str) -> Path:
    """A bundle that lists a file of this name."""
    return by_hand(folder, files={name: {"bytes": 7, "sha256": HASH}})


BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"vocab_size": 0}, "vocab_size is 0, wanted a whole number from 1"),
    ({"vocab_size": 512.5}, "vocab_size is 512.5"),
    ({"vocab_size": True}, "vocab_size is true"),
    ({"producer": 3}, "producer is 3, wanted a string"),
    ({"task": ""}, "task is"),
    ({"task": "x" * 5000}, "task is"),
    ({"graphs": []}, "graphs is a list, wanted an object"),
    ({"graphs": {"model": {"file": "model.onnx"}}}, "graphs.model has no 'inputs'"),
    ({"graphs": {"model": GRAPH | {"file": "other.onnx"}}}, "wanted a file of the list"),
    ({"graphs": {"model": GRAPH | {"logits": "some"}}}, "wanted 'last' or 'all'"),
    ({"graphs": {"model": GRAPH | {"rows": -1}}}, "rows"),
    ({"graphs": {"model": GRAPH | {"inputs": ["a", "a"]}}}, "distinct names"),
    ({"graphs": {"model": GRAPH | {"inputs": [3]}}}, "distinct names"),
    ({"graphs": {"model": GRAPH | {"outputs": []}}}, "outputs is a list, wanted a list of dist"),
    ({"state": [STATE, STATE]}, "'p.0' twice"),
    ({"state": [STATE | {"present": "p.0"}]}, "'p.0' twice"),
    ({"state": [STATE] * 10_001}, "10001 states"),
    ({"state": [3]}, r"state\[0\] is 3, wanted an object"),
    ({"state": [STATE | {"dtype": "float64"}]}, "wanted 'float16' or 'float32'"),
    ({"state": [STATE | {"dtype": ["float32"]}]}, "dtype is a list"),
    ({"state": [STATE | {"kind": "paged"}]}, "wanted 'recurrent' or 'cache'"),
    ({"state": [STATE | {"kind": "cache"}]}, "'capacity' at 2"),
    ({"state": [STATE | {"shape": ["batch", -4, 64, 33]}]}, "sizes above 0"),
    ({"state": [STATE | {"shape": ["batch", 4, 0, 33]}]}, "sizes above 0"),
    ({"state": [STATE | {"shape": ["batch", 4, "capacity", 33]}]}, "sizes above 0"),
    ({"state": [STATE | {"shape": ["batch", "batch"]}]}, "sizes above 0"),
    ({"state": [STATE | {"shape": []}]}, "'batch' at 0"),
    ({"state": [STATE | {"shape": ["batch", *[1] * 8]}]}, "at most 8"),
    ({"state": [STATE | {"shape": ["batch", 1 << 31]}]}, "sizes above 0"),
    ({"state": [STATE | {"shape": ["batch", 1 << 20, 1 << 20]}]}, "bytes for one row"),
    ({"state": [STATE | {"dtype": "int32"}]}, "wanted 'float16' or 'float32'"),
    ({"state": [STATE | {"shape": ["batch", 4, "source", 33]}]}, "sizes above 0"),
    (TRANSLATOR | {"state": [KEYS, MASK | {"dtype": "int64"}]}, "wanted 'float16' or 'float32' or 'int32'"),
    (TRANSLATOR | {"state": [MASK, KEYS | {"present": "y"}]}, "present is .y., wanted the name of its past"),
    (TRANSLATOR | {"state": [MASK, KEYS, KEYS]}, "'x' twice"),
    (TRANSLATOR | {"state": [MASK, KEYS, STATE | {"past": "x"}]}, "'x' twice"),
    (TRANSLATOR | {"state": [MASK, KEYS | {"shape": ["source", 4, 8, 32]}]}, "'batch' at 0"),
    (TRANSLATOR | {"state": [MASK, KEYS | {"shape": ["batch", 4, 8, "source"]}]}, "'source' at 2"),
    (TRANSLATOR | {"state": [MASK, KEYS | {"shape": ["batch", "source", "source", 32]}]}, "'source' at 2"),
    (TRANSLATOR | {"state": [MASK, KEYS | {"shape": ["batch", 4, "capacity", 32]}]}, "'source' at 2"),
    (TRANSLATOR | {"state": [MASK, KEYS | {"shape": ["batch", 1 << 30, "source", 1 << 30]}]}, "bytes for one row"),
    (TRANSLATOR | {"state": [MASK]}, "the encoder gives 'x', which is no state of kind 'cross'"),
    (TRANSLATOR | {"graphs": {"model": GRAPH}}, "no encoder gives the state 'm' of kind 'cross'"),
    (TRANSLATOR | {"graphs": {"encoder": ENCODER | {"outputs": ["m"]}}}, "no encoder gives the state 'x'"),
    (CLASSIFIER | {"labels": []}, "no labels, and a graph that gives logits for them"),
    (CLASSIFIER | {"labels": ["a", "a"]}, "labels is a list, wanted a list of distinct names"),
    (CLASSIFIER | {"labels": ["a", 3]}, "labels is a list, wanted a list of distinct names"),
    (CLASSIFIER | {"labels": "good"}, "labels is .good., wanted a list"),
    (CLASSIFIER | {"labels": ["a", "x" * 2000]}, "at most 65536 names of at most 1024 characters"),
    (CLASSIFIER | {"max_tokens": -1}, "max_tokens is -1"),
    (CLASSIFIER | {"max_tokens": "all"}, "max_tokens is"),
    ({"special_ids": {"bos": 512, "eos": None}}, "bos is 512, wanted a whole number from 0 to 511"),
    ({"special_ids": {"bos": None}}, "no 'eos'"),
    ({"sampling": {"temperature": "hot"}}, "wanted a number or null"),
    ({"scoring": {"segment_length": -1}}, "segment_length is -1"),
    ({"max_tokens": -1}, "max_tokens is -1"),
    ({"labels": ["a", 3]}, "labels is a list, wanted a list of distinct names"),
    ({"notes": 3}, "notes is 3, wanted a list"),
    ({"conversion": []}, "conversion is a list, wanted an object"),
    ({"sampling": {"a\nb" * 1000: "hot"}}, "wanted a number or null"),
    ({"files": {"model.onnx": {"bytes": -1, "sha256": HASH}}}, "bytes is -1"),
    ({"files": {"model.onnx": {"bytes": 7, "sha256": "0" * 63}}}, "64 hexadecimal digits"),
    ({"files": {"model.onnx": {"bytes": 7, "sha256": HASH.upper()}}}, "64 hexadecimal digits"),
    ({"files": {"manifest.json": {"bytes": 7, "sha256": HASH}}}, "lists itself"),
]
BAD_JSON: list[tuple[bytes, str]] = [
    (b"", "is not JSON"),
    (b"\x80\x04pickle", "is not JSON"),
    (b"[1, 2]", "is a list, wanted an object"),
    (b"[" * 200_000, "nested too deep|is not JSON"),
    (beside(b'"a":' + b'{"a":' * 400 + b"1" + b"}" * 400), "nested too deep"),
    (beside(b'"a": ["\\ud800"]'), "surrogates not allowed"),
    (beside(b'"\\ud800": 1'), "surrogates not allowed"),
    (beside(b'"a": NaN'), "NaN is not a JSON number"),
    (beside(b'"a":\n bad'), "is not JSON"),
    (beside(b'"a": "\xe9"'), "is not JSON"),
    (b'{"format_version": ' + b"9" * 5000 + b"}", "is not JSON"),
    (b'"' + b" " * MAX_MANIFEST_BYTES + b'"', "larger than"),
]
REPEATED = beside(b'"a": 1, "a": 2')
"""JavaScript's reader does not tell."""
NEWER = b'{"format_version": 2}'
OUTSIDE = GRAPH | {"file": "../model.onnx"}
BAD_NAMES = [
    "../model.onnx",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "..",
    ".",
    "",
    ".hidden",
    "C:x",
    "nul",
    "COM1.onnx",
    "x.",
    "é",
    "a\n",
    "x" * 300,
]


def make_link_to_folder(file: Path) -> None:
    """Put a link in the place of a file."""
    file.unlink()
    file.symlink_to("..")


def make_folder(file: Path) -> None:
    """Put a folder in its place."""
    file.unlink()
    file.mkdir()


def make_pipe(file: Path) -> None:
    """Put a pipe in its place: whoever opens it waits."""
    file.unlink()
    os.mkfifo(file)


def make_socket(file: Path) -> None:
    """Put a socket in its place."""
    file.unlink()
    here = Path.cwd()
    os.chdir(file.parent)  # socket paths are short
    socket.socket(socket.AF_UNIX).bind(file.name)
    os.chdir(here)


NO_FILES: list[Callable[[Path], None]] = [make_link_to_folder, make_folder, make_pipe, make_socket]
"""What may stand where a file is wanted."""


def make_longer(file: Path) -> None:
    """Add a byte."""
    file.write_bytes(file.read_bytes() + b"!")


def make_other(file: Path) -> None:
    """Change its first byte."""
    file.write_bytes(b"!" + file.read_bytes()[1:])


DAMAGES: list[Callable[[Path], None]] = [make_longer, make_other, Path.unlink]


def hostile_bundles(home: Path) -> Iterator[Path]:
    """All of them, one after the other, each in a folder of its own."""
    places = (home / f"{number}.rfa" for number in count())
    for changes, _ in BAD_VALUES:
        yield by_hand(next(places), **changes)
    for key in MANIFEST:
        yield without(next(places), key)
    for data, _ in BAD_JSON:
        yield with_manifest(next(places), data)
    yield with_manifest(next(places), NEWER)
    for name in BAD_NAMES:
        yield with_file_name(next(places), name)
    yield by_hand(next(places), graphs={"model": OUTSIDE})
    for spoil in [*NO_FILES, *DAMAGES]:
        for name in ("model.onnx", "manifest.json"):
            folder = by_hand(next(places))
            spoil(folder / name)
            yield folder
