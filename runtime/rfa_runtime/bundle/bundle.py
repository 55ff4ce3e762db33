"""Bundles: a folder with a manifest and the files that it lists.  Standard library only.

    NAME.rfa/
      manifest.json      what is needed to run it, with size and sha256 of every other file
      model.onnx ...     graphs, weights, tokenizer

A bundle from elsewhere is not trusted: names, sizes, sums and numbers are checked before anything is opened.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rfa_runtime.bundle.files import MANIFEST, check_files, check_name, plain_file_size
from rfa_runtime.bundle.interface import OUR_TARGET
from rfa_runtime.bundle.manifest import GraphSpec, Manifest
from rfa_runtime.bundle.manifest_json import parse_manifest
from rfa_runtime.bundle.staging import Staging, staged_bundle
from rfa_runtime.errors import BundleError, ManifestError

__all__ = ["Bundle", "Staging", "read_bundle", "shipped_bundle", "staged_bundle", "write_bundle"]

WEIGHTS_SUFFIX = ".data"
"""Ends the names of files that hold weights of graphs."""
MAX_MANIFEST_BYTES = 16 << 20
EXPORT_AGAIN = "; it was written for other runtimes: export it again with ort among its targets"


@dataclass(frozen=True)
class Bundle:
    """A bundle that has been read and checked."""

    path: Path
    manifest: Manifest

    @cached_property
    def sha256(self) -> str:
        """Equal for the same files: what a saved state belongs to."""
        entries = sorted((name, entry.sha256) for name, entry in self.manifest.files.items())
        return hashlib.sha256(json.dumps(entries).encode()).hexdigest()

    def graph(self, role: str) -> GraphSpec:
        """Return the graph of a role such as `model` or `score`.  Raises BundleError where there is none."""
        if role not in self.manifest.graphs:
            have = ", ".join(self.manifest.graphs) or "none"
            hint = "" if OUR_TARGET in {spec.target for spec in self.manifest.graphs.values()} else EXPORT_AGAIN
            raise BundleError(f"{self.path.name} has no graph {role!r}, it has: {have}{hint}")
        return self.manifest.graphs[role]

    def weights_elsewhere(self, file: str) -> list[Path]:
        """Weights that a link leads to another folder than that of a graph's file: runtimes refuse to go there."""
        home = (self.path / file).resolve().parent
        found = []
        for name in self.manifest.files:
            path = self.path / name
            if name.endswith(WEIGHTS_SUFFIX) and path.resolve().parent != home:
                found.append(path)
        return found


def read_bundle(directory: Path | str, check_hashes: bool = True) -> Bundle:
    """Read and check a bundle.  check_hashes: read every file and compare its sha256; sizes are always compared.

    Raises BundleError or one of its children, or OSError as the file system does.
    """
    given = Path(directory)
    if not given.is_dir():
        what = "is a file" if given.exists() else "does not exist"
        raise BundleError(f"{given} {what}, wanted a bundle: the folder that rfa-export writes")
    path = given.resolve()
    if not (path / MANIFEST).exists():
        raise ManifestError(f"{given} has no {MANIFEST}, wanted a bundle: the folder that rfa-export writes")
    plain_file_size(path / MANIFEST)
    manifest = parse_manifest(read_manifest(path / MANIFEST))
    check_files(path, manifest.files, check_hashes)
    return Bundle(path, manifest)


def opened(bundle: Bundle | Path | str) -> Bundle:
    """Return a bundle as it is, or read it from where it lies.  Errors are those of `read_bundle`."""
    return bundle if isinstance(bundle, Bundle) else read_bundle(bundle)


def shipped_bundle() -> Path:
    """Return where the small model of stories lies that comes with this package, for first steps."""
    return Path(__file__).parents[1] / "pretrained" / "stories.rfa"


def read_manifest(file: Path) -> bytes:
    """Read the manifest's bytes, bounded."""
    with file.open("rb") as stream:
        data = stream.read(MAX_MANIFEST_BYTES + 1)
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{MANIFEST} is larger than {MAX_MANIFEST_BYTES:,} bytes: it is not one of ours")
    return data


def write_bundle(
    directory: Path | str, manifest: Manifest, sources: Mapping[str, Path | str | bytes], overwrite: bool = False
) -> None:
    """Write a bundle from files and bytes.  manifest: its list of files is filled in here.  See `staged_bundle`."""
    with staged_bundle(directory, overwrite) as staging:
        for name, source in sources.items():
            target = staging.path / check_name(name)
            if isinstance(source, bytes):
                target.write_bytes(source)
            else:
                shutil.copyfile(source, target)
        staging.finish(manifest)
