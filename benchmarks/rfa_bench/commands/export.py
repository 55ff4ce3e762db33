"""`rfa-bench export`: time and peak memory of rfa-export itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.tables import readable_size
from rfa_bench.terminal import JSON, KEEP, LANGUAGE_SIZE, measuring, print_result
from rfa_export.precision import PRECISIONS
from rfa_export.targets.export_config import ExportConfig, names_in

PRECISION = click.Choice(list(PRECISIONS))


@click.command(epilog="Example:  rfa-bench export --size gpt2-small --target ort,plain --precision int4")
@LANGUAGE_SIZE
@click.option("--target", default="ort", show_default=True, metavar="NAME,...", help="Targets of rfa-export.")
@click.option("--precision", type=PRECISION, default="fp32", show_default=True, help="Precision of the weights.")
@KEEP
@JSON
def export(size: str, target: str, precision: str, keep: Path | None, as_json: bool) -> None:
    """Time and peak memory of rfa-export itself, verification included."""
    with measuring(keep) as (folder, progress):
        ExportConfig(names_in(target), precision)  # refuses what cannot be had before a model is drawn
        options = ("--target", target, "--precision", precision)
        found = measurements.export.measure(size, folder, options, progress)
    text = (
        f"{size}, {found.parameters:,} parameters, {precision} for {target}: {found.seconds:.1f} s, at most "
        f"{readable_size(found.peak_rss_bytes)} of memory, {found.memory_ratio:.2f} times the model's "
        f"{readable_size(found.model_bytes)}; the bundle has {readable_size(found.bundle_bytes)}"
    )
    print_result(asdict(found), text, as_json)
