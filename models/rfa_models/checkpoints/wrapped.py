"""Files of models that were in a wrapper of torch when they were saved: tensors have a word more in their names.

Older versions also wrote such a model down as a classifier, whatever it was.  Its settings say what it is.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from rfa_models.errors import CheckpointError
from rfa_models.networks.kinds import KINDS
from rfa_models.networks.wrappers import plain_name
from rfa_models.wording import shown


def without_wrappers(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """The entries as they are without a wrapper.  Raises CheckpointError where two tensors get one name."""
    tensors = {}
    for name, tensor in table["tensors"].items():
        plain = plain_name(name)
        if plain in tensors:
            raise CheckpointError(f"{path}: tensor {shown(plain)} is there twice, once as {shown(name)}: remove one")
        tensors[plain] = tensor
    if tensors.keys() == table["tensors"].keys():
        return table
    return table | {"tensors": tensors, "task": task_by_settings(table)}


def task_by_settings(table: dict[str, Any]) -> str:
    """The task whose settings have the names of the config; the one that is written down where none has."""
    for task, kind in KINDS.items():
        if {field.name for field in fields(kind.config)} == table["config"].keys():
            return task
    return str(table["task"])
