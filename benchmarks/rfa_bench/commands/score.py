"""`rfa-bench score`: how fast texts are scored."""

from __future__ import annotations

from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import (
    BLOCK_SIZE,
    BUNDLE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PRECISION,
    PROVIDER,
    THREADS,
    THROUGHPUT,
    count_option,
    measuring,
    print_result,
)
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import read_bundle


@click.command(epilog="Example:  rfa-bench score --size gpt2-small --precision int4 --threads 2")
@LANGUAGE_SIZE
@BUNDLE
@PRECISION
@BLOCK_SIZE
@THROUGHPUT
@count_option("--length", 16384, "Bytes of the text.")
@THREADS
@PROVIDER
@count_option("--rounds", 3, "Readings of the text.")
@KEEP
@JSON
def score(
    size: str,
    bundle: Path | None,
    precision: str,
    block_size: int | None,
    throughput: bool,
    length: int,
    threads: int,
    provider: str,
    rounds: int,
    keep: Path | None,
    as_json: bool,
) -> None:
    """How fast texts are scored, RFA against softmax: what rfa-run does for --score.

    A bundle is measured by itself.
    """
    with measuring(keep) as (folder, progress):
        weights = ExportConfig(precision=precision, block_size=block_size, throughput=throughput)
        check_provider(provider, weights.weights)
        if bundle is None:
            progress("export")
            bundles = measurements.score.twins_of_shape(size, folder, weights)
        else:
            read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
            bundles = {bundle.name: bundle}
        plan = measurements.score.ScorePlan(length, threads, rounds, provider)
        rows = measurements.score.measure(bundles, weights.label, plan, progress)
    lines = [
        [row.system, f"{row.tokens:,}", f"{row.tokens_per_s:,.0f}", readable_size(row.peak_rss_bytes)] for row in rows
    ]
    text = table(("system", "tokens", "tokens/s", "peak RSS"), lines, words=("system",))
    print_result({"rows": as_tables(rows)}, text, as_json)
