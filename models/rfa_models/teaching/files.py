"""The files of a conversion: all lie beside its model and have its name in front."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ConversionFiles:
    """Where a conversion writes."""

    model: Path
    """The student."""

    @property
    def samples(self) -> Path:
        """The folder of what the teacher wrote; it may go when the conversion is over."""
        return self.beside(".samples")

    @property
    def resume(self) -> Path:
        """Where a conversion that was stopped goes on; there until it is over."""
        return self.beside(".resume")

    @property
    def log(self) -> Path:
        """One line for each step."""
        return self.beside(".log.jsonl")

    def beside(self, ending: str) -> Path:
        """The file whose name has something more than the model's."""
        return self.model.with_name(self.model.name + ending)
