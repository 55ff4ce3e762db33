"""Files from elsewhere: hostile until checked.

A torch file is a zip archive of a pickle and the tensors' bytes.  It may be damaged, hold code, unpack to a thousand
times its size, or describe tensors far larger than the bytes behind them.  `read_tables` lets none of that through, and
uses no more memory than a few times the file's size.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from rfa_models.checkpoints.archive import is_archive
from rfa_models.errors import CheckpointError
from rfa_models.wording import one_line, shown

PLAIN_TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
SMALLEST_ITEM = 2
"""Bytes of a half-precision number, the smallest that a checkpoint may hold."""


def read_tables(path: Path, wanted: str) -> dict[str, Any]:
    """Unpickle plain types and tensors, nothing that runs.  wanted: the file's `format` entry.

    Raises CheckpointError for a file that is damaged, compressed, foreign or holds code; OSError where it cannot be
    opened.
    """
    with path.open("rb") as file:
        table = unpickle(file, path)
    if not isinstance(table, dict) or table.get("format") != wanted:
        raise CheckpointError(f"{path}: not a file that rfa-train wrote: train a model, or ask for its original")
    return table


def unpickle(file: BinaryIO, path: Path) -> Any:
    """What a torch file holds.  Raises CheckpointError."""
    try:
        with warnings.catch_warnings(action="ignore"):  # torch wonders at a damaged pickle, in several lines
            return torch.load(checked_archive(file, path), map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors and plain values, so it was not loaded: is it one of our checkpoints?"
        ) from error
    except Exception as error:  # damage surfaces as BadZipFile, RuntimeError, OSError, EOFError, KeyError, ...
        kind = "damaged" if is_archive(file) else "truncated or no checkpoint at all"
        raise CheckpointError(f"{path}: the file is {kind} ({one_line(error)}): get it again") from error


def checked_archive(file: BinaryIO, path: Path) -> io.BytesIO:
    """A copy of an archive that holds its entries as they are, with checksums verified.

    torch reads zip files with its own code; in the copy it cannot find another archive than the one that was checked.
    Raises CheckpointError where entries are compressed, encrypted, double, or together larger than the file.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
        entries = source.infolist()
        check_entries(entries, file.seek(0, io.SEEK_END), path)
        for entry in entries:
            target.writestr(entry.filename, source.read(entry))
    copy.seek(0)
    return copy


def check_entries(entries: list[zipfile.ZipInfo], size: int, path: Path) -> None:
    """Raise CheckpointError for what torch.save never writes: entries compressed, double, or larger than the file."""
    names = set()
    total = 0
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise CheckpointError(f"{path}: a compressed archive, rfa-train writes none: ask for its original")
        names.add(entry.filename)
        total += entry.file_size
    if total > size or len(names) < len(entries):
        raise CheckpointError(f"{path}: an archive whose entries overlap, rfa-train writes none: ask for its original")


def check_tensors(tensors: dict[Any, Any], path: Path) -> None:
    """Raise CheckpointError for anything but finite numbers in plain memory, no more of them than the file can hold."""
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise CheckpointError(f"{path}: {shown(name)} among its tensors is not a tensor of floating-point numbers")
        if not is_plain(tensor):
            raise CheckpointError(
                f"{path}: tensor {shown(name)} ({tensor.dtype}, {tensor.layout}, {tensor.device}) is not plain memory, "
                "wanted a dense tensor of float32: save it again as one"
            )
    if sum(tensor.numel() for tensor in tensors.values()) * SMALLEST_ITEM > path.stat().st_size:
        raise CheckpointError(f"{path}: its tensors claim more numbers than the file holds: ask for its original")
    for name, tensor in tensors.items():
        if not tensor.float().isfinite().all():
            raise CheckpointError(f"{path}: tensor {shown(name)} holds values that are not finite")


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor's numbers lie in this machine's memory: not sparse, not on another device."""
    on_cpu = tensor.layout is torch.strided and tensor.device.type == "cpu"
    return on_cpu and tensor.dtype in PLAIN_TYPES
