"""`rfa-bench agreement`: whether a bundle answers as torch does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import FILE, JSON, PROVIDER, THREADS, measuring, print_result
from rfa_models.checkpoints.archive import check_archive
from rfa_models.errors import ConfigError
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import LANGUAGE_MODEL


@click.command(epilog="Example:  rfa-bench agreement model.pt model.rfa test.en test.de")
@click.argument("checkpoint", type=FILE)
@click.argument("bundle", type=FILE)
@click.argument("data", nargs=-1, required=True)
@THREADS
@PROVIDER
@JSON
def agreement(
    checkpoint: Path, bundle: Path, data: tuple[str, ...], threads: int, provider: str, as_json: bool
) -> None:
    """Count the rows of DATA to which BUNDLE answers as CHECKPOINT does in torch.

    Answers are translations or labels.  DATA is a .tsv or .jsonl, or the two plain files of a translation.
    """
    with measuring(files=data) as (_, progress):
        check_archive(checkpoint)
        check_answers(read_bundle(bundle))
        check_provider(provider)
        found = measurements.agreement.measure(checkpoint, bundle, data, threads, progress, provider)
    text = (
        f"{found.equal:,} of {found.items:,} answers are the same; {found.metric} {found.torch:.4f} in torch, "
        f"{found.bundle:.4f} of the bundle"
    )
    print_result(asdict(found), text, as_json)


def check_answers(bundle: Bundle) -> None:
    """Raise ConfigError for a bundle without answers that could agree: a language model's."""
    if bundle.manifest.task == LANGUAGE_MODEL:
        raise ConfigError(
            f"{bundle.path.name} is a language model: compare `python -m rfa_models.commands.evaluate` with "
            "`rfa-run --score`"
        )
