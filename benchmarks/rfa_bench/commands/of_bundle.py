"""What the commands share that measure one bundle: a bundle of the user's, random weights of a shape, or ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.commands.shared_options import given_as_one
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

    def __post_init__(self) -> None:
        """Raise UsageError where two models came."""
        if self.bundle is not None and self.size is not None:
            raise click.UsageError("BUNDLE and --size came, wanted one of them")

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
of_bundle = given_as_one(ChosenBundle, OPTIONS)
"""Gives a command the shared options."""
