"""The files of a training: all lie beside its model and have its name in front."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rfa_runtime.wording import Setting

FURTHER = ".further"
RESTART = Setting("restart", True)
"""Throws away what lies in the file of a stopped run."""


@dataclass(frozen=True)
class RunFiles:
    """Where a training writes."""

    model: Path
    """The finished model."""

    @property
    def log(self) -> Path:
        """One line per step."""
        return self.beside(".log.jsonl")

    @property
    def resume(self) -> Path:
        """Where a run that was stopped goes on; there until it has finished."""
        return self.beside(".resume")

    @property
    def further(self) -> Path:
        """Where a finished run goes on when it gets more steps; nothing else needs it."""
        return self.beside(FURTHER)

    def beside(self, ending: str) -> Path:
        """The file whose name has something more than the model's."""
        return self.model.with_name(self.model.name + ending)
