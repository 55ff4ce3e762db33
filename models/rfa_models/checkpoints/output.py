"""Where a command writes its model: asked before hours of work, not after."""

from __future__ import annotations

from pathlib import Path

from rfa_models.errors import ConfigError


def check_output(output: Path, overwrite: bool) -> None:
    """Raise ConfigError where a model could not be written in the end."""
    if output.is_dir():
        raise ConfigError(f"{output} is a folder: name a file in it, such as {output / 'model.pt'}")
    if output.exists() and not overwrite:
        raise ConfigError(f"{output} exists: give another -o, or --overwrite to replace it")
    if not output.parent.is_dir():
        raise ConfigError(f"{output.parent} is not a folder: make it first")
