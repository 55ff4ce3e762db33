"""read_bundle: the format by its bytes, and everything that a bundle from elsewhere may try."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toy_bundles import toy_files, toy_manifest

from rfa_runtime.bundle.bundle import MAX_MANIFEST_BYTES, read_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.errors import (
    BundleError,
    BundleIntegrityError,
    BundlePathError,
    BundleVersionError,
    ManifestError,
)
from rfa_runtime.tasks.language import Decoder

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
        {"kind": "cache", "past": "p.1", "present": "q.1", "dtype": "float16", "shape": ["batch", 4, "capacity", 32]},
    ],
    "special_ids": {"bos": 1, "eos": None},
    "sampling": {"temperature": 0.8, "top_k": 40},
    "scoring": {"segment_length": 256},
    "parity": {"ort": {"anything": [1, 2]}},
    "files": {"model.onnx": {"bytes": 7, "sha256": HASH}},
}
STATE = MANIFEST["state"][0]
GRAPH = MANIFEST["graphs"]["model"]
KEYS = {"kind": "cross", "past": "x", "present": "x", "dtype": "float32", "shape": ["batch", 4, "source", 32]}
MASK = {"kind": "cross", "past": "m", "present": "m", "dtype": "int32", "shape": ["batch", "source"]}
ENCODER = GRAPH | {"inputs": ["input_ids", "attention_mask"], "logits": "none", "outputs": ["x", "m"]}
TRANSLATOR: dict[str, Any] = {
    "task": "translation",
    "graphs": {"encoder": ENCODER, "model": GRAPH},
    "state": [*MANIFEST["state"], KEYS, MASK],
}
CLASSIFIER: dict[str, Any] = {
    "task": "classification",
    "graphs": {"model": GRAPH | {"logits": "sequence"}},
    "state": [],
    "labels": ["good", "bad"],
    "max_tokens": 4000,
}


def write(folder: Path, **changes: Any) -> Path:
    """A bundle spelled out byte by byte, without our writer."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | changes))
    return folder


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    table = json.loads((folder / "manifest.json").read_text())
    change(table)
    (folder / "manifest.json").write_text(json.dumps(table))


def test_a_bundle_written_by_hand_is_read(tmp_path: Path) -> None:
    bundle = read_bundle(write(tmp_path / "hand.rfa"))
    manifest = bundle.manifest
    assert bundle.path == tmp_path / "hand.rfa"
    assert bundle.graph("model").inputs == ("input_ids", "position_ids")
    assert manifest.state[0].sizes(batch=2) == (2, 4, 64, 33)
    assert manifest.state[1].sizes(batch=2, capacity=9) == (2, 4, 9, 32)
    assert [state.row_bytes() for state in manifest.state] == [4 * 64 * 33 * 4, 4 * 32 * 2]
    assert manifest.special_ids == SpecialIds(bos=1, eos=None)
    assert manifest.sampling == {"temperature": 0.8, "top_k": 40}
    assert manifest.files["model.onnx"].bytes == 7
    with pytest.raises(BundleError, match="no graph 'score', it has: model"):
        bundle.graph("score")


def test_a_translator_written_by_hand_is_read(tmp_path: Path) -> None:
    bundle = read_bundle(write(tmp_path / "hand.rfa", **TRANSLATOR))
    assert bundle.graph("encoder").logits == "none"
    assert bundle.graph("encoder").outputs == ("x", "m")
    keys, mask = bundle.manifest.state[2:]
    assert keys.sizes(batch=2, capacity=5, source=9) == (2, 4, 9, 32)
    assert mask.sizes(batch=2, source=9) == (2, 9)
    assert [keys.row_bytes(source=9), mask.row_bytes(source=9)] == [4 * 9 * 32 * 4, 9 * 4]


def test_what_an_encoder_made_may_have_a_size_of_its_own(tmp_path: Path) -> None:
    sums = KEYS | {"shape": ["batch", 4, 64, 33]}
    graphs = {"encoder": ENCODER | {"outputs": ["x"]}, "model": GRAPH}
    bundle = read_bundle(write(tmp_path / "hand.rfa", graphs=graphs, state=[sums]))
    assert bundle.manifest.state[0].sizes(batch=2, source=9) == (2, 4, 64, 33)


def test_a_classifier_written_by_hand_is_read(tmp_path: Path) -> None:
    manifest = read_bundle(write(tmp_path / "hand.rfa", **CLASSIFIER)).manifest
    assert (manifest.labels, manifest.max_tokens, manifest.state) == (("good", "bad"), 4000, ())
    assert manifest.graphs["model"].logits == "sequence"


def test_bundles_of_writers_before_classes_have_none(tmp_path: Path) -> None:
    manifest = read_bundle(write(tmp_path / "hand.rfa")).manifest
    assert (manifest.labels, manifest.max_tokens) == ((), 0)


def test_remarks_of_later_writers_are_left_alone(tmp_path: Path) -> None:
    assert read_bundle(write(tmp_path / "hand.rfa", remark="hello")).manifest.vocab_size == 512


def test_a_bundle_behind_a_link_to_its_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path / "hand.rfa")
    (tmp_path / "latest").symlink_to("hand.rfa")
    assert read_bundle(tmp_path / "latest").path == tmp_path / "hand.rfa"


BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"vocab_size": 0}, "vocab_size is 0, wanted a whole number from 1"),
    ({"vocab_size": 512.0}, "vocab_size is 512.0"),
    ({"vocab_size": True}, "vocab_size is true"),
    ({"producer": 3}, "producer is 3, wanted a string"),
    ({"task": ""}, "task is"),
    ({"task": "x" * 5000}, "task is"),
    ({"graphs": []}, "graphs is a list, wanted an object"),
    ({"graphs": {"model": {"file": "model.onnx"}}}, "graphs.model has no 'inputs'"),
    ({"graphs": {"model": MANIFEST["graphs"]["model"] | {"file": "other.onnx"}}}, "wanted a file of the list"),
    ({"graphs": {"model": MANIFEST["graphs"]["model"] | {"logits": "some"}}}, "wanted 'last' or 'all'"),
    ({"graphs": {"model": MANIFEST["graphs"]["model"] | {"rows": -1}}}, "rows"),
    ({"graphs": {"model": MANIFEST["graphs"]["model"] | {"inputs": ["a", "a"]}}}, "distinct names"),
    ({"graphs": {"model": MANIFEST["graphs"]["model"] | {"inputs": [3]}}}, "distinct names"),
    ({"graphs": {"model": MANIFEST["graphs"]["model"] | {"outputs": []}}}, "outputs is a list, wanted a list of dist"),
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
    ({"files": {"model.onnx": {"bytes": -1, "sha256": HASH}}}, "bytes is -1"),
    ({"files": {"model.onnx": {"bytes": 7, "sha256": "0" * 63}}}, "64 hexadecimal digits"),
    ({"files": {"model.onnx": {"bytes": 7, "sha256": HASH.upper()}}}, "64 hexadecimal digits"),
    ({"files": {"manifest.json": {"bytes": 7, "sha256": HASH}}}, "lists itself"),
]


@pytest.mark.parametrize(("changes", "words"), BAD_VALUES, ids=lambda value: str(value)[:50])
def test_impossible_values_are_refused_by_name(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words) as caught:
        read_bundle(write(tmp_path / "bad.rfa", **changes))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("key", list(MANIFEST))
def test_every_key_must_be_there(tmp_path: Path, key: str) -> None:
    folder = write(tmp_path / "bad.rfa")
    change_manifest(folder, lambda table: table.pop(key))
    with pytest.raises(ManifestError, match=f"no '{key}'"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not JSON"),
        (b"\x80\x04pickle", "is not JSON"),
        (b"[1, 2]", "is a list, wanted an object"),
        (b"[" * 200_000, "nested too deep|is not JSON"),
        (b'{"a":' * 400 + b"1" + b"}" * 400, "nested too deep"),
        (b'{"a": ["\\ud800"]}', "surrogates not allowed"),
        (b'{"\\ud800": 1}', "surrogates not allowed"),
        (b'{"a": 1, "a": 2}', "'a' comes twice"),
        (b'{"format_version": NaN}', "NaN is not a JSON number"),
        (b'{"format_version": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b'"' + b" " * MAX_MANIFEST_BYTES + b'"', "larger than"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_manifest_that_is_no_manifest_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    folder = write(tmp_path / "bad.rfa")
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(ManifestError, match=words):
        read_bundle(folder)


def test_a_newer_format_is_refused_whatever_else_it_holds(tmp_path: Path) -> None:
    folder = write(tmp_path / "new.rfa")
    (folder / "manifest.json").write_text('{"format_version": 2}')
    with pytest.raises(BundleVersionError, match="format 2, this reader knows formats up to 1: upgrade"):
        read_bundle(folder)


BAD_NAMES = ["../model.onnx", "/etc/passwd", "a/b", "a\\b", "..", ".", "", ".hidden", "C:x", "nul", "COM1.onnx"]


@pytest.mark.parametrize("name", [*BAD_NAMES, "x.", "é", "a\n", "x" * 300])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    folder = write(tmp_path / "bad.rfa", files={name: {"bytes": 7, "sha256": HASH}})
    with pytest.raises(BundlePathError, match="is refused"):
        read_bundle(folder)


def test_a_graph_outside_the_bundle_is_refused(tmp_path: Path) -> None:
    graph = MANIFEST["graphs"]["model"] | {"file": "../model.onnx"}
    with pytest.raises(BundlePathError, match="is refused"):
        read_bundle(write(tmp_path / "bad.rfa", graphs={"model": graph}))


def make_link_to_folder(file: Path) -> None:
    file.unlink()
    file.symlink_to("..")


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def make_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def make_socket(file: Path) -> None:
    file.unlink()
    here = Path.cwd()
    os.chdir(file.parent)  # socket paths are short
    socket.socket(socket.AF_UNIX).bind(file.name)
    os.chdir(here)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
@pytest.mark.parametrize("make", [make_link_to_folder, make_folder, make_pipe, make_socket])
def test_folders_and_devices_are_refused(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    folder = write(tmp_path / "bad.rfa")
    make(folder / name)
    with pytest.raises(BundlePathError, match=f"{name} is no plain file"):
        read_bundle(folder)


def test_a_flipped_byte_is_found(copy_of_toy: Path) -> None:
    file = copy_of_toy / "model.onnx"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx has changed"):
        read_bundle(copy_of_toy)
    assert read_bundle(copy_of_toy, check_hashes=False)


def test_a_file_of_another_size_is_found_without_hashing(copy_of_toy: Path) -> None:
    with (copy_of_toy / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx has [\d,]+ bytes, the manifest says"):
        read_bundle(copy_of_toy, check_hashes=False)


def test_a_missing_file_is_named(copy_of_toy: Path) -> None:
    (copy_of_toy / "tokenizer.json").unlink()
    with pytest.raises(BundleIntegrityError, match=r"tokenizer\.json is missing"):
        read_bundle(copy_of_toy)


def test_what_the_manifest_does_not_name_is_left_alone(copy_of_toy: Path) -> None:
    (copy_of_toy / ".git").mkdir()
    (copy_of_toy / "README.md").write_text("a model")
    (copy_of_toy / ".DS_Store").write_bytes(b"")
    (copy_of_toy / "nowhere").symlink_to("nothing")
    os.mkfifo(copy_of_toy / "pipe")
    Decoder(copy_of_toy, threads=1).generate("Once", max_new_tokens=1)


def put_in_cache(bundle: Path, folder: Path, blobs: Path) -> None:
    """Move each file to where it is named by its content, and leave links."""
    folder.mkdir(parents=True)
    blobs.mkdir(parents=True, exist_ok=True)
    for file in bundle.iterdir():
        blob = blobs / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copyfile(file, blob)
        (folder / file.name).symlink_to(os.path.relpath(blob, folder))


def test_a_bundle_lives_in_a_cache_of_blobs(copy_of_toy: Path, tmp_path: Path) -> None:
    put_in_cache(copy_of_toy, tmp_path / "hub" / "snapshots" / "abc", tmp_path / "hub" / "blobs")
    found = Decoder(tmp_path / "hub" / "snapshots" / "abc", threads=1).generate("Once")
    assert found.token_ids == Decoder(copy_of_toy, threads=1).generate("Once").token_ids


def test_a_bundle_lives_behind_a_link_that_changes(copy_of_toy: Path, tmp_path: Path) -> None:
    """A volume of Kubernetes: files are links through `..data`, which is exchanged as a whole."""
    volume = tmp_path / "volume"
    volume.mkdir()
    shutil.copytree(copy_of_toy, volume / "..2026")
    (volume / "..data").symlink_to("..2026")
    for file in copy_of_toy.iterdir():
        (volume / file.name).symlink_to(f"..data/{file.name}")
    Decoder(volume, threads=1).generate("Once", max_new_tokens=1)


@pytest.mark.parametrize("check_hashes", [True, False])
def test_a_link_to_another_file_is_refused(copy_of_toy: Path, tmp_path: Path, check_hashes: bool) -> None:
    file = copy_of_toy / "tokenizer.json"
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * file.stat().st_size)
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(BundleIntegrityError, match=r"tokenizer\.json has changed"):
        read_bundle(copy_of_toy, check_hashes)


def test_a_link_to_nothing_is_a_missing_file(copy_of_toy: Path) -> None:
    (copy_of_toy / "tokenizer.json").unlink()
    (copy_of_toy / "tokenizer.json").symlink_to("nothing")
    with pytest.raises(BundleIntegrityError, match=r"tokenizer\.json is missing"):
        read_bundle(copy_of_toy)


def test_what_is_no_bundle_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / ".bashrc").write_bytes(b"")
    for path, words in (("nowhere", "does not exist"), ("file", "is a file"), (".", r"no manifest\.json")):
        with pytest.raises(BundleError, match=words):
            read_bundle(tmp_path / path)


def test_the_toy_manifest_survives_a_round_trip(copy_of_toy: Path) -> None:
    manifest = read_bundle(copy_of_toy).manifest
    wanted = toy_manifest()
    for name in ("producer", "task", "vocab_size", "graphs", "state", "special_ids", "scoring", "format_version"):
        assert getattr(manifest, name) == getattr(wanted, name)
    assert {name: entry.bytes for name, entry in manifest.files.items()} == {
        name: len(data) for name, data in toy_files().items()
    }
