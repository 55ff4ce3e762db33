"""The entries of a checkpoint as a safetensors file: tensors as they are, all else as JSON in its metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from rfa_models.errors import CheckpointError
from rfa_models.wording import one_line
from rfa_runtime.bundle.whole_file import written_whole

TENSORS = "tensors"


def read_safetensors(path: Path, wanted: str) -> dict[str, Any]:
    """What `read_tables` returns.  wanted: the name of the entries in the metadata, which is also their `format`.

    Raises CheckpointError for a file that is damaged or lacks the entries, OSError where it cannot be opened.
    """
    path.open("rb").close()
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  it is no mapping
    except SafetensorError as error:
        raise CheckpointError(
            f"{path}: the file is damaged or no safetensors ({one_line(error)}): get it again"
        ) from error
    if wanted not in metadata:
        raise CheckpointError(
            f"{path}: holds tensors without a model's settings and tokenizer: load them into a model with "
            "load_state_dict, then write both by save_checkpoint"
        )
    return read_entries(metadata[wanted], wanted, path) | {TENSORS: tensors}


def read_entries(text: str, wanted: str, path: Path) -> dict[str, Any]:
    """All entries but the tensors.  Raises CheckpointError."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path}: its settings cannot be read ({one_line(error)}): the file is damaged"
        ) from error
    if not isinstance(entries, dict) or entries.get("format") != wanted:
        raise CheckpointError(
            f"{path}: its settings are not of the format {wanted}: was it written by save_checkpoint?"
        )
    return entries


def write_safetensors(table: dict[str, Any], path: Path) -> None:
    """Write entries whole or not at all.  Raises OSError as the file system does."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in table[TENSORS].items()}
    others = {key: value for key, value in table.items() if key != TENSORS}
    metadata = {table["format"]: json.dumps(others)}
    with written_whole(path) as file:
        file.write(save(tensors, metadata))
