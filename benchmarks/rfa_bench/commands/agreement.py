"""`rfa-bench agreement`: whether a bundle answers as torch does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.terminal import FILE, JSON, THREADS, measuring, print_result


@click.command(epilog="Example:  rfa-bench agreement model.pt model.rfa test.en test.de")
@click.argument("checkpoint", type=FILE)
@click.argument("bundle", type=FILE)
@click.argument("data", nargs=-1, required=True)
@THREADS
@JSON
def agreement(checkpoint: Path, bundle: Path, data: tuple[str, ...], threads: int, as_json: bool) -> None:
    """Count the rows of DATA to which BUNDLE answers as CHECKPOINT does in torch.

    Answers are translations or labels.  DATA is a .tsv or .jsonl, or the two plain files of a translation.
    """
    with measuring() as (_, progress):
        found = measurements.agreement.measure(checkpoint, bundle, data, threads, progress)
    text = (
        f"{found.equal:,} of {found.items:,} answers are the same; {found.metric} {found.torch:.4f} in torch, "
        f"{found.bundle:.4f} of the bundle"
    )
    print_result(asdict(found), text, as_json)
