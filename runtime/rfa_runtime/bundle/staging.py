"""Write a bundle beside its place and put it there in one step: it appears whole or not at all."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rfa_runtime.bundle.files import MANIFEST, describe_files, sync
from rfa_runtime.bundle.manifest import Manifest
from rfa_runtime.bundle.manifest_json import dump_manifest
from rfa_runtime.bundle.places import check_folder_of
from rfa_runtime.bundle.process_lock import check_idle, writing
from rfa_runtime.bundle.publish import ASIDE, check_free, publish
from rfa_runtime.errors import BundleError

SUFFIX = ".staging"


@dataclass
class Staging:
    """A bundle that is being written."""

    path: Path
    """The folder to write files into."""
    finished: bool = field(default=False, init=False)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest over the files that are there: from now on `read_bundle(path)` reads it.

        May be called again when files or manifest have changed; the last call counts.
        """
        data = dump_manifest(replace(manifest, files=describe_files(self.path)))
        (self.path / MANIFEST).write_bytes(data)
        sync(self.path / MANIFEST)
        sync(self.path)
        self.finished = True


def check_destination(directory: Path | str, overwrite: bool) -> None:
    """Raise as `staged_bundle` does where it could not write: to say so before long work begins."""
    check_folder_of(directory)
    check_free(Path(directory), overwrite)
    check_idle(directory)


@contextmanager
def staged_bundle(directory: Path | str, overwrite: bool = False) -> Iterator[Staging]:
    """Yield a folder to write a bundle into; on leaving, it gets the name `directory`.

    On any exception, a full disk included, nothing is left behind and a bundle that was there is untouched.  A process
    that is killed leaves a hidden folder, which the next one with the same destination removes.
    Raises BundleExistsError, NotADirectoryError where the folder around it is missing, or OutputBusyError where another
    process writes the same bundle.
    """
    check_folder_of(directory)
    target = Path(os.path.abspath(directory))
    with writing(target) as alone:
        if alone:
            remove_leftovers(target)
        check_free(target, overwrite)
        folder = target.with_name(f".{target.name}.{secrets.token_hex(4)}{SUFFIX}")
        folder.mkdir()
        try:
            staging = Staging(folder)
            yield staging
            if not staging.finished:
                raise BundleError(f"{target}: the bundle was left without a manifest, nothing was written")
            publish(folder, target, overwrite)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(target: Path) -> None:
    """Clear up after killed writers of the same bundle.  No other may be at work."""
    pattern = f".{glob.escape(target.name)}.*{SUFFIX}"
    for aside in target.parent.glob(pattern + ASIDE):
        if os.path.lexists(target):
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(target)
    for folder in target.parent.glob(pattern):
        shutil.rmtree(folder, ignore_errors=True)
