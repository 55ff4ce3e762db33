"""What the commands share that measure one bundle: a bundle of the user's, random weights of a shape, or ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.subjects.shapes import SIZES
from rfa_bench.terminal import BLOCK_SIZE, FILE, JSON, KEEP, PRECISION, PROVIDER, THREADS, THROUGHPUT, Progress
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import Bundle, read_bundle, shipped_bundle


@dataclass(frozen=True)
class ChosenBundle:
    """What the shared options say."""

    bundle: Path | None
    size: str | None
    precision: str
    block_size: int | None
    throughput: bool
    threads: int
    provider: str
    keep: Path | None
    as_json: bool

    @property
    def weights(self) -> ExportConfig:
        """Raises TargetError for what cannot be had."""
        return ExportConfig(precision=self.precision, block_size=self.block_size, throughput=self.throughput)

    @property
    def label(self) -> str | None:
        """The precision of the weights; None for a bundle, which does not say it."""
        return None if self.size is None else self.weights.label

    def read(self, folder: Path, progress: Progress) -> Bundle:
        """The bundle, checked; one of --size is exported to the folder.

        Raises what `read_bundle` and `check_provider` do.
        """
        weights = self.weights
        check_provider(self.provider, weights.weights)
        if self.size is None:
            return read_bundle(self.bundle or shipped_bundle())
        progress("export")
        return read_bundle(measurements.subject.random_bundle(self.size, folder, weights))


OPTIONS = (
    click.argument("bundle", type=FILE, required=False),
    click.option("--size", type=click.Choice(list(SIZES)), help="Random weights of this shape in place of BUNDLE."),
    PRECISION,
    BLOCK_SIZE,
    THROUGHPUT,
    THREADS,
    PROVIDER,
    KEEP,
    JSON,
)


def of_bundle(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the shared options, as one argument in front of its own."""

    @wraps(command)
    def with_chosen(**options: Any) -> None:
        shared = {field.name: options.pop(field.name) for field in fields(ChosenBundle)}
        chosen = ChosenBundle(**shared)
        if chosen.bundle is not None and chosen.size is not None:
            raise click.UsageError("BUNDLE and --size came, wanted one of them")
        command(chosen, **options)

    for option in reversed(OPTIONS):
        option(with_chosen)
    return with_chosen
