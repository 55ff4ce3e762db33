"""From what a user names to a model and to systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rfa_bench.subjects.language_twins import export_random
from rfa_bench.subjects.shapes import SIZES
from rfa_bench.systems.catalogue import SYSTEMS
from rfa_bench.systems.subject import RFA, Subject
from rfa_bench.systems.system import System
from rfa_export.errors import TargetError
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig

EVERYONE = "all"


def of_shape(size: str, vectors: int | None, weights: ExportConfig, folder: Path) -> Subject:
    """A named shape with random weights.  vectors: random vectors of a head; None for the shape's own."""
    config = SIZES[size]
    if vectors is None:
        return Subject(size, config, weights, folder)
    attention = replace(config.attention, random_vectors=vectors)
    name = f"{size}, {vectors} vectors"
    return Subject(name, replace(config, attention=attention), weights, made(folder / f"{vectors}-vectors"))


def random_bundle(size: str, folder: Path, weights: ExportConfig) -> Path:
    """A bundle of a named shape with random weights."""
    return export_random(SIZES[size], folder, RFA, weights)


def of_checkpoint(checkpoint: Path, bundle: Path, weights: ExportConfig, folder: Path) -> Subject:
    """The shape of a trained model, and its bundle.  Raises ConfigError for what is no language model."""
    config = load_checkpoint(checkpoint).model.config
    if not isinstance(config, ModelConfig):
        raise ConfigError(f"{checkpoint} holds a {type(config).__name__}, wanted a language model")
    return Subject(checkpoint.stem, config, weights, folder, bundle)


def systems_of(names: Sequence[str]) -> list[System]:
    """Systems by their names.  Raises TargetError for one that nobody has."""
    if list(names) == [EVERYONE]:
        return list(SYSTEMS.values())
    unknown = sorted(set(names) - set(SYSTEMS))
    if unknown:
        raise TargetError(f"there is no system {unknown[0]!r}, wanted {EVERYONE} or some of {', '.join(SYSTEMS)}")
    return [SYSTEMS[name] for name in names]


def made(folder: Path) -> Path:
    """The folder, which is there now."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class KnownSystem:
    """A system, as `rfa-bench systems` lists it."""

    name: str
    summary: str
    missing: str | None
    """Why it cannot be measured here."""


def known_systems() -> list[KnownSystem]:
    """All systems."""
    return [KnownSystem(system.name, system.summary, system.missing()) for system in SYSTEMS.values()]
