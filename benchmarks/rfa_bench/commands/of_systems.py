"""What the commands share that measure several systems: their options, the model, and the table of their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.commands.shared_options import given_as_one
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import (
    BLOCK_SIZE,
    COUNT,
    FILE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PRECISION,
    PROVIDER,
    THREADS,
    THROUGHPUT,
    Progress,
    measuring,
    names_of,
    print_result,
)
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.archive import check_archive
from rfa_runtime.bundle.bundle import read_bundle

if TYPE_CHECKING:
    from rfa_bench.systems.row import Row
    from rfa_bench.systems.subject import Subject
    from rfa_bench.systems.system import System

Measure = Callable[["Subject", list["System"], Progress], list["Row"]]
HEAD = ("system", "precision", "test", "batch", "tokens/s", "ms/token", "rfa's time", "roofline", "state", "peak RSS")
WORDS = ("system", "precision", "test")


@dataclass(frozen=True)
class Chosen:
    """What the shared options say."""

    size: str
    vectors: int | None
    checkpoint: Path | None
    bundle: Path | None
    systems: list[str]
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


OPTIONS = (
    LANGUAGE_SIZE,
    click.option("--vectors", type=COUNT, help="Random vectors of a head, where another number than the shape's."),
    click.option("--checkpoint", type=FILE, help="Measure the shape of this model; needs --bundle."),
    click.option("--bundle", type=FILE, help="The bundle of the checkpoint."),
    click.option(
        "--systems",
        default="rfa,softmax",
        show_default=True,
        metavar="NAME,...",
        callback=names_of,
        help="Who is measured, with commas; `all` for everyone, see rfa-bench systems.",
    ),
    PRECISION,
    BLOCK_SIZE,
    THROUGHPUT,
    THREADS,
    PROVIDER,
    KEEP,
    JSON,
)
of_systems = given_as_one(Chosen, OPTIONS)
"""Gives a command the shared options."""


def print_rows(chosen: Chosen, measure: Measure, plot: Path | None = None) -> None:
    """Measure, and print a table or JSON.  plot: a file for a plot against depth."""
    if (chosen.checkpoint is None) != (chosen.bundle is None):
        raise click.UsageError("--checkpoint and --bundle go together")
    with measuring(chosen.keep, plot) as (folder, progress):
        check_provider(chosen.provider, chosen.weights.weights)
        if chosen.checkpoint is not None and chosen.bundle is not None:
            check_archive(chosen.checkpoint)
            read_bundle(chosen.bundle)  # refuses it before anything is loaded
            subject = measurements.subject.of_checkpoint(chosen.checkpoint, chosen.bundle, chosen.weights, folder)
        else:
            subject = measurements.subject.of_shape(chosen.size, chosen.vectors, chosen.weights, folder)
        systems = measurements.subject.systems_of(chosen.systems)
        rows = measure(subject, systems, progress)
        if plot is not None:
            title = f"{subject.name}, {chosen.weights.label}, {chosen.threads} thread(s), {chosen.provider}"
            measurements.plots.decode(rows, title, plot)
    print_result({"rows": as_tables(rows)}, rows_table(rows), chosen.as_json)


def rows_table(rows: Sequence[Row]) -> str:
    """A line for each row, and below them why some have no figures."""
    measured = [row for row in rows if not row.reason]
    others = [f"{row.system}, {row.test}: {row.reason}" for row in rows if row.reason]
    return "\n".join([table(HEAD, map(cells, measured), WORDS), *([""] if others else []), *others])


def cells(row: Row) -> list[str]:
    """A line of the table; what was not measured stays empty."""
    return [
        row.system,
        row.precision,
        row.test,
        str(row.batch),
        "" if row.avg_ts is None else f"{row.avg_ts:,.1f} ± {row.stddev_ts:,.1f}",
        "" if row.ms_per_token is None else f"{row.ms_per_token:.3f}",
        "" if row.rfa_ratio is None else f"{row.rfa_ratio:.3f}",
        "" if row.roofline_share is None else f"{row.roofline_share:.2f}",
        "" if row.state_bytes is None else readable_size(row.state_bytes),
        "" if row.peak_rss_bytes is None else readable_size(row.peak_rss_bytes),
    ]
