"""read_bundle: the format by its bytes, and everything that a bundle from elsewhere may try."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_bundles import (
    BAD_JSON,
    BAD_NAMES,
    BAD_VALUES,
    CACHE,
    CLASSIFIER,
    ENCODER,
    GRAPH,
    KEYS,
    MANIFEST,
    NEWER,
    NO_FILES,
    OUTSIDE,
    REPEATED,
    STATE,
    TRANSLATOR,
    by_hand,
    with_file_name,
    with_manifest,
    without,
)
from toy_bundles import toy_files, toy_manifest

from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.errors import (
    BundleError,
    BundleIntegrityError,
    BundlePathError,
    BundleVersionError,
    ManifestError,
)
from rfa_runtime.tasks.language import Decoder


def test_a_bundle_written_by_hand_is_read(tmp_path: Path) -> None:
    bundle = read_bundle(by_hand(tmp_path / "hand.rfa", state=[STATE, CACHE]))
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
    bundle = read_bundle(by_hand(tmp_path / "hand.rfa", **TRANSLATOR))
    assert bundle.graph("encoder").logits == "none"
    assert bundle.graph("encoder").outputs == ("x", "m")
    keys, mask = bundle.manifest.state[2:]
    assert keys.sizes(batch=2, capacity=5, source=9) == (2, 4, 9, 32)
    assert mask.sizes(batch=2, source=9) == (2, 9)
    assert [keys.row_bytes(source=9), mask.row_bytes(source=9)] == [4 * 9 * 32 * 4, 9 * 4]


def test_what_an_encoder_made_may_have_a_size_of_its_own(tmp_path: Path) -> None:
    sums = KEYS | {"shape": ["batch", 4, 64, 33]}
    graphs = {"encoder": ENCODER | {"outputs": ["x"]}, "model": GRAPH}
    bundle = read_bundle(by_hand(tmp_path / "hand.rfa", graphs=graphs, state=[sums]))
    assert bundle.manifest.state[0].sizes(batch=2, source=9) == (2, 4, 64, 33)


def test_a_classifier_written_by_hand_is_read(tmp_path: Path) -> None:
    manifest = read_bundle(by_hand(tmp_path / "hand.rfa", **CLASSIFIER)).manifest
    assert (manifest.labels, manifest.max_tokens, manifest.state) == (("good", "bad"), 4000, ())
    assert manifest.graphs["model"].logits == "sequence"


def test_bundles_of_writers_before_classes_have_none(tmp_path: Path) -> None:
    manifest = read_bundle(by_hand(tmp_path / "hand.rfa")).manifest
    assert (manifest.labels, manifest.max_tokens) == ((), 0)


def test_remarks_of_later_writers_are_left_alone(tmp_path: Path) -> None:
    assert read_bundle(by_hand(tmp_path / "hand.rfa", remark="hello")).manifest.vocab_size == 512


def test_a_bundle_behind_a_link_to_its_folder_is_read(tmp_path: Path) -> None:
    by_hand(tmp_path / "hand.rfa")
    (tmp_path / "latest").symlink_to("hand.rfa")
    assert read_bundle(tmp_path / "latest").path == tmp_path / "hand.rfa"


@pytest.mark.parametrize(("changes", "words"), BAD_VALUES, ids=lambda value: str(value)[:50])
def test_impossible_values_are_refused_by_name(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words) as caught:
        read_bundle(by_hand(tmp_path / "bad.rfa", **changes))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_number_with_a_point_is_no_whole_number(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"vocab_size is 512\.0"):  # JavaScript cannot tell it from 512
        read_bundle(by_hand(tmp_path / "bad.rfa", vocab_size=512.0))


@pytest.mark.parametrize("key", list(MANIFEST))
def test_every_key_must_be_there(tmp_path: Path, key: str) -> None:
    with pytest.raises(ManifestError, match=f"no '{key}'"):
        read_bundle(without(tmp_path / "bad.rfa", key))


@pytest.mark.parametrize(
    ("data", "words"), [*BAD_JSON, (REPEATED, "'a' comes twice")], ids=lambda value: repr(value[:20])
)
def test_a_manifest_that_is_no_manifest_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        read_bundle(with_manifest(tmp_path / "bad.rfa", data))


def test_a_newer_format_is_refused_whatever_else_it_holds(tmp_path: Path) -> None:
    with pytest.raises(BundleVersionError, match="format 2, this reader knows formats up to 1: upgrade"):
        read_bundle(with_manifest(tmp_path / "new.rfa", NEWER))


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    with pytest.raises(BundlePathError, match="is refused"):
        read_bundle(with_file_name(tmp_path / "bad.rfa", name))


def test_a_graph_outside_the_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundlePathError, match="is refused"):
        read_bundle(by_hand(tmp_path / "bad.rfa", graphs={"model": OUTSIDE}))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
@pytest.mark.parametrize("make", NO_FILES)
def test_folders_and_devices_are_refused(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    folder = by_hand(tmp_path / "bad.rfa")
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
