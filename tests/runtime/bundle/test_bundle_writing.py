"""Bundles appear whole or not at all: under errors, a full disk, and kill -9 at any moment."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from toy_bundles import environment, toy_files, toy_manifest

from rfa_runtime.bundle import publish
from rfa_runtime.bundle.bundle import read_bundle, staged_bundle, write_bundle
from rfa_runtime.bundle.staging import SUFFIX
from rfa_runtime.errors import BundleError, BundleExistsError, BundlePathError, ManifestError, OutputBusyError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def producer(bundle: Path) -> str:
    return read_bundle(bundle).manifest.producer


def write(bundle: Path, producer: str, overwrite: bool = False) -> None:
    write_bundle(bundle, toy_manifest(producer=producer), toy_files(), overwrite)


def python(code: str, bundle: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, str(bundle)], stdout=subprocess.PIPE, env=environment())


def fail_halfway(bundle: Path, overwrite: bool) -> None:
    with staged_bundle(bundle, overwrite) as staging:
        (staging.path / "model.onnx").write_bytes(b"half")
        raise RuntimeError("parity failed")


def test_a_bundle_can_be_read_while_it_is_staged(tmp_path: Path) -> None:
    with staged_bundle(tmp_path / "toy.rfa") as staging:
        for name, data in toy_files().items():
            (staging.path / name).write_bytes(data)
        staging.finish(toy_manifest())
        assert read_bundle(staging.path).manifest.parity == {}
        assert not (tmp_path / "toy.rfa").exists()
        staging.finish(replace(toy_manifest(), parity={"checked": True}))
    assert read_bundle(tmp_path / "toy.rfa").manifest.parity == {"checked": True}
    assert names(tmp_path) == ["toy.rfa"]


def test_files_are_copied_from_paths(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"graph")
    write_bundle(tmp_path / "toy.rfa", toy_manifest(), {**toy_files(), "model.score.onnx": tmp_path / "source"})
    assert (tmp_path / "toy.rfa" / "model.score.onnx").read_bytes() == b"graph"


def test_a_bundle_is_overwritten_only_when_asked_to(tmp_path: Path) -> None:
    bundle = tmp_path / "toy.rfa"
    write(bundle, "old")
    with pytest.raises(BundleExistsError, match="exists"):
        write(bundle, "new")
    assert producer(bundle) == "old"
    write(bundle, "new", overwrite=True)
    assert producer(bundle) == "new"
    assert names(tmp_path) == ["toy.rfa"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_empty_folder_is_as_good_as_none(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "toy.rfa").mkdir()
    write(tmp_path / "toy.rfa", "new", overwrite=overwrite)
    assert producer(tmp_path / "toy.rfa") == "new"
    (tmp_path / "other").mkdir()
    with pytest.raises(RuntimeError, match="parity"):
        fail_halfway(tmp_path / "other", overwrite)
    assert names(tmp_path) == ["other", "toy.rfa"]


@pytest.mark.parametrize("name", [".git", "README.md"])
def test_a_bundle_with_things_of_others_in_it_is_not_overwritten(tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "toy.rfa"
    write(bundle, "old")
    (bundle / ".DS_Store").write_bytes(b"")
    write(bundle, "newer", overwrite=True)
    (bundle / name).mkdir()
    with pytest.raises(BundleExistsError, match=f"holds {name}, which its manifest does not name"):
        write(bundle, "new", overwrite=True)
    assert producer(bundle) == "newer"


def test_nothing_but_a_bundle_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"precious")
    (tmp_path / "file").write_bytes(b"precious")
    write(tmp_path / "toy.rfa", "old")
    (tmp_path / "link").symlink_to("toy.rfa")
    for name in ("photos", "file", "link"):
        with pytest.raises(BundleExistsError, match="not a bundle"):
            write(tmp_path / name, "new", overwrite=True)
    assert names(tmp_path) == ["file", "link", "photos", "toy.rfa"]
    assert (tmp_path / "photos" / "one.jpg").read_bytes() == b"precious"


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_error_leaves_everything_as_it_was(tmp_path: Path, overwrite: bool) -> None:
    bundle = tmp_path / "toy.rfa"
    if overwrite:
        write(bundle, "old")
    before = names(tmp_path)
    with pytest.raises(RuntimeError, match="parity"):
        fail_halfway(bundle, overwrite)
    with pytest.raises(BundleError, match="without a manifest"), staged_bundle(bundle, overwrite):
        pass
    with pytest.raises(ManifestError, match="a file of the list"), staged_bundle(bundle, overwrite) as staging:
        staging.finish(toy_manifest())
    with pytest.raises(BundlePathError):
        write_bundle(bundle, toy_manifest(), {"../escape": b""}, overwrite)
    assert names(tmp_path) == before
    assert not overwrite or producer(bundle) == "old"


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "toy.rfa"
    write(bundle, "old")
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "tokenizer.json":
            real(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write(bundle, "new", overwrite=True)
    assert names(tmp_path) == ["toy.rfa"]
    assert producer(bundle) == "old"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        write(disk / "toy.rfa", "old")
        with pytest.raises(OSError, match="No space left"):
            write_bundle(disk / "toy.rfa", toy_manifest(), {**toy_files(), "w": b"x" * (1 << 18)}, overwrite=True)
        assert names(disk) == ["toy.rfa"]
        assert producer(disk / "toy.rfa") == "old"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


WRITER = """
import sys, time
from pathlib import Path
from toy_bundles import toy_files, toy_manifest
from rfa_runtime.bundle.bundle import staged_bundle
with staged_bundle(sys.argv[1], overwrite=True) as staging:
    (staging.path / "model.onnx").write_bytes(b"half of it")
    print(staging.path.name, flush=True)
    time.sleep(60)
"""


def test_a_writer_killed_halfway_leaves_the_old_bundle_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    bundle = tmp_path / "toy.rfa"
    write(bundle, "old")
    with python(WRITER, bundle) as process:
        assert process.stdout is not None
        left = process.stdout.readline().decode().strip()
        write(tmp_path / "other.rfa", "another one")
        with pytest.raises(OutputBusyError, match=rf"toy.rfa is being written by process {process.pid} on "):
            write(bundle, "newer", overwrite=True)
        assert left in names(tmp_path), "a writer at work was disturbed"
        process.send_signal(signal.SIGKILL)
    assert left in names(tmp_path)
    assert producer(bundle) == "old"
    write(bundle, "newest", overwrite=True)
    assert names(tmp_path) == ["other.rfa", "toy.rfa"]


REWRITER = """
import sys
from toy_bundles import toy_files, toy_manifest
from rfa_runtime.bundle.bundle import write_bundle
files = toy_files()
print("ready", flush=True)
for turn in range(10**6):
    write_bundle(sys.argv[1], toy_manifest(producer=f"turn {turn}"), files, overwrite=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "toy.rfa"
    write(bundle, "old")
    for turn in range(4):
        with python(REWRITER, bundle) as process:
            assert process.stdout is not None
            process.stdout.readline()
            deadline = time.monotonic() + 0.05 + 0.031 * turn
            while time.monotonic() < deadline:
                assert bundle.exists(), "for a moment there was no bundle"
            process.send_signal(signal.SIGKILL)
        assert producer(bundle).startswith(("turn", "old"))
    write(bundle, "last", overwrite=True)
    assert names(tmp_path) == ["toy.rfa"]


def test_without_the_exchange_of_the_system_two_renames_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "system_exchange", lambda first, second: errno.EINVAL)
    write(tmp_path / "toy.rfa", "old")
    write(tmp_path / "toy.rfa", "new", overwrite=True)
    assert producer(tmp_path / "toy.rfa") == "new"
    assert names(tmp_path) == ["toy.rfa"]


def test_a_bundle_set_aside_by_a_killed_writer_comes_back(tmp_path: Path) -> None:
    write(tmp_path / "toy.rfa", "old")
    (tmp_path / "toy.rfa").rename(tmp_path / f".toy.rfa.1234{SUFFIX}{publish.ASIDE}")
    with pytest.raises(BundleExistsError):
        write(tmp_path / "toy.rfa", "new")
    assert producer(tmp_path / "toy.rfa") == "old"


def test_neighbours_with_like_names_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / f".toy.rfa2.1234{SUFFIX}").mkdir()
    (tmp_path / f".xtoy.rfa.1234{SUFFIX}").mkdir()
    write(tmp_path / "toy.rfa", "one")
    write(tmp_path / "[t]oy.rfa", "with a pattern's letters")
    assert len(names(tmp_path)) == 4
