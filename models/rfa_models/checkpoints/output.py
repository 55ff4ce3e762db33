"""Where a command writes its model: asked before hours of work, not after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rfa_models.errors import ConfigError
from rfa_runtime.bundle.places import check_folder_of
from rfa_runtime.bundle.process_lock import check_idle, writing
from rfa_runtime.wording import OVERWRITE


def check_output(output: Path, overwrite: bool) -> None:
    """Raise ConfigError or OSError where no model could be written, such as where another process writes one."""
    check_place(output)
    check_idle(output)
    check_free(output, overwrite)


@contextmanager
def reserved_output(output: Path, overwrite: bool) -> Iterator[None]:
    """Keep a model's place for this process until the block is done.  Raises as `check_output` does."""
    check_place(output)
    with writing(output):
        check_free(output, overwrite)
        yield


def check_place(output: Path) -> None:
    """Raise ConfigError where a folder is, NotADirectoryError where the folder around it is missing."""
    if output.is_dir():
        raise ConfigError(f"{output} is a folder: name a file in it, such as {output / 'model.pt'}")
    check_folder_of(output)


def check_free(output: Path, overwrite: bool) -> None:
    """Raise ConfigError where a model is that may not be replaced."""
    if output.exists() and not overwrite:
        raise ConfigError(f"{output} exists: give another name, or ", OVERWRITE)
