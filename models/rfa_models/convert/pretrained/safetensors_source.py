"""The safetensors files of a Hugging Face folder: one, or several with an index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from rfa_models.data.tokenizer_files import read_json
from rfa_models.errors import CheckpointError
from rfa_models.wording import one_line, shown

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "consolidated.00.pth")


class SafetensorsSource:
    """Tensors of one or several files, which are mapped, not read, until one is asked for."""

    def __init__(self, folder: Path) -> None:
        """Open a folder.  Raises CheckpointError where files are missing or damaged, or are pickles only."""
        self.path = folder
        self._files: dict[str, Any] = {}
        self._place: dict[str, str] = {}
        for file in files_of(folder):
            opened = open_file(folder / file)
            self._files[file] = opened
            for name in opened.keys():  # noqa: SIM118
                self._place[name] = file

    def names(self) -> Iterable[str]:
        return self._place

    def read(self, name: str) -> Tensor:
        file = self._place[name]
        try:
            tensor: Tensor = self._files[file].get_tensor(name)
        except (SafetensorError, RuntimeError, OSError) as error:
            raise CheckpointError(f"{self.path / file}: tensor {name!r} cannot be read: {one_line(error)}") from error
        if not tensor.is_floating_point():
            raise CheckpointError(f"{self.path / file}: tensor {name!r} is {tensor.dtype}, wanted numbers with a point")
        return tensor


def files_of(folder: Path) -> list[str]:
    """The names of the files that hold the model.  Raises CheckpointError."""
    if (folder / SINGLE).is_file():
        return [SINGLE]
    if (folder / INDEX).is_file():
        return shards_of(folder / INDEX)
    for name in PICKLES:
        if (folder / name).exists():
            raise CheckpointError(
                f"{folder}: holds {name}, which may run code of its author when it is read, and no {SINGLE}: "
                "get the model as safetensors"
            )
    raise CheckpointError(f"{folder}: has no {SINGLE} and no {INDEX}: is the download complete?")


def shards_of(index: Path) -> list[str]:
    """The files that an index names, each a plain name in its folder.  Raises CheckpointError."""
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"{index}: has no weight_map: the file is damaged")
    names = sorted({json.dumps(name) if not isinstance(name, str) else name for name in table.values()})
    for name in names:
        if Path(name).name != name or name in ("", ".", ".."):
            raise CheckpointError(f"{index}: names the file {shown(name)}, wanted one in its own folder")
        if not (index.parent / name).is_file():
            raise CheckpointError(f"{index.parent / name}: is missing, {index.name} names it: get it again")
    return names


def open_file(file: Path) -> Any:
    """Map a file.  Raises CheckpointError where it is damaged, OSError as `open` does."""
    try:
        return safe_open(file, framework="pt")
    except SafetensorError as error:
        raise CheckpointError(f"{file}: not a whole safetensors file ({one_line(error)}): get it again") from error
