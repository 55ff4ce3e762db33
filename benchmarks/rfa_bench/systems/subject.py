"""The model that all systems decode: a shape with random weights, or one that a user has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rfa_bench.subjects.gguf_file import write_gguf
from rfa_bench.subjects.language_twins import export_random, random_checkpoint
from rfa_bench.subjects.shapes import softmax_language_model
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import save_checkpoint
from rfa_models.networks.language_model_config import ModelConfig
from rfa_runtime.bundle.interface import OUR_TARGET

RFA = "rfa"
SOFTMAX = "softmax"


@dataclass(frozen=True)
class Subject:
    """Files of one model are written when a system first asks for them, and used again after."""

    name: str
    """For tables."""
    config: ModelConfig
    """With RFA in its layers."""
    weights: ExportConfig
    """Their precision."""
    folder: Path
    """Where files go."""
    trained: Path | None = None
    """A bundle of RFA that is there already."""

    def bundle(self, attention: str, targets: Sequence[str] = (OUR_TARGET,)) -> Path:
        """A bundle with RFA or with softmax, its weights random."""
        if attention == RFA and self.trained is not None and tuple(targets) == (OUR_TARGET,):
            return self.trained
        name = "-".join([attention, *(target for target in targets if target != OUR_TARGET)])
        return export_random(self.shape(attention), self.folder, name, replace(self.weights, targets=tuple(targets)))

    def float32(self) -> Subject:
        """The same with float weights, for a runtime that reads no others."""
        return replace(self, weights=ExportConfig())

    def checkpoint(self, attention: str) -> Path:
        """A checkpoint of float32 weights, for torch."""
        file = self.folder / f"{attention}.pt"
        if not file.exists():
            save_checkpoint(random_checkpoint(self.shape(attention)), file)
        return file

    def gguf(self) -> Path:
        """A file for llama.cpp."""
        return write_gguf(self.config, self.weights.weights, self.folder / f"{self.weights.weights.name}.gguf")

    def shape(self, attention: str) -> ModelConfig:
        """The configuration with this attention."""
        return self.config if attention == RFA else softmax_language_model(self.config)
