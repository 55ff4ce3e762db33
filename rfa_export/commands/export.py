"""`rfa-export model.pt`: the command line of export.

It imports nothing heavy by itself: names of the package load their modules when they are used.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

import rfa_export
from rfa_export.errors import ExportError
from rfa_export.precision import ACTIVATIONS, BLOCKS, PRECISIONS
from rfa_export.targets.catalogue import TARGETS, WEB
from rfa_export.targets.export_config import STATES, VERIFY, ExportConfig, names_in
from rfa_models.checkpoints.archive import check_archive
from rfa_models.errors import ModelError
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.bundle.staging import check_destination
from rfa_runtime.ending import in_one_line
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.interrupt import ending_at_once

FILE = click.Path(path_type=Path)
EPILOG = "Example:  rfa-export model.pt -o model.rfa --target ort,plain --precision int4 --eval valid.txt"
TARGET_HELP = f"What to write for, all with the same weights: {', '.join(TARGETS)}."
PRECISION = click.Choice(list(PRECISIONS))
BLOCK_HELP = (
    "Weights of int8 or int4 that share a scale: 128 by default; 256 is faster on processors, CUDA has 128 at most."
)
ACTIVATIONS_HELP = (
    "What int8 or int4 weights are multiplied with: int8 by default; fp32 is slower, for models that int8 hurts."
)
STATE_HELP = "Numbers of the state between two steps."
THROUGHPUT_HELP = (
    "Add a graph for long prompts and large batches, of int8 or int4 weights: prompts are read about twice as fast, "
    "for as many bytes more as there are weights."
)
VERIFY_HELP = "Ask all runtimes that are installed what they compute, or ours alone: large models take less time then."
STOPPED = "stopped: nothing was written"


@click.command(epilog=EPILOG)
@click.argument("checkpoint", type=FILE)
@click.option("-o", "--output", type=FILE, help="Bundle folder; NAME.rfa beside NAME.pt by default.")
@click.option("--target", "targets", default="ort", show_default=True, metavar="NAME,...", help=TARGET_HELP)
@click.option("--precision", type=PRECISION, help="Of the weights: fp32 by default, int4 for target web.")
@click.option("--block-size", type=click.Choice(BLOCKS), metavar="N", help=BLOCK_HELP)
@click.option("--activations", type=click.Choice(ACTIVATIONS), help=ACTIVATIONS_HELP)
@click.option("--state", type=click.Choice(STATES), default="fp32", show_default=True, help=STATE_HELP)
@click.option("--throughput", is_flag=True, help=THROUGHPUT_HELP)
@click.option("--opset", type=int, help="Of target plain; 17, or 21 where weights are quantized, by default.")
@click.option("--eval", "text", type=FILE, help="Report the perplexity on this text, of the bundle and of torch.")
@click.option("--drift", type=int, default=0, metavar="N", help="Decode N tokens and report how far float64 is away.")
@click.option("--verify", type=click.Choice(VERIFY), default="all", show_default=True, help=VERIFY_HELP)
@click.option("--overwrite", is_flag=True, help="Replace a bundle at the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.version_option(rfa_export.__version__)
def main(
    checkpoint: Path,
    output: Path | None,
    targets: str,
    precision: str | None,
    block_size: int | None,
    activations: str | None,
    state: str,
    throughput: bool,
    opset: int | None,
    text: Path | None,
    drift: int,
    verify: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Turn CHECKPOINT into a bundle that rfa-run decodes in constant memory.

    The bundle is verified against the checkpoint before it appears, in every runtime of its targets that is installed;
    on any failure nothing is written.
    """
    with in_one_line(ModelError, ExportError, RfaRuntimeError, stopped=STOPPED):
        names = names_in(targets)
        weights = precision or usual_precision(names)
        config = ExportConfig(
            names, weights, block_size, state, throughput, opset, activations=activations, drift=drift, verify=verify
        )
        bundle = output or checkpoint.with_suffix(".rfa")
        check_archive(checkpoint)  # before torch is loaded
        check_readable(text)
        check_destination(bundle, overwrite)
        exported = run(checkpoint, bundle, overwrite, config, text)
        print(json.dumps(result(exported, config)) if as_json else report(exported))


def usual_precision(targets: tuple[str, ...]) -> str:
    """Of the weights, where nobody says it: a page is not to wait for bytes that it can do without."""
    return "int4" if WEB.name in targets else "fp32"


def run(
    checkpoint: Path, bundle: Path, overwrite: bool, config: ExportConfig, text: Path | None
) -> rfa_export.Exported:
    """The command's work, with errors still as exceptions."""
    console = Console(file=sys.stderr, stderr=True)  # this one, whatever stands in its place while torch is kept quiet
    with ending_at_once(STOPPED):
        export_file = rfa_export.export_file  # loads torch
    with console.status("load") as status:
        return export_file(checkpoint, bundle, overwrite, status.update, config, text)


def result(exported: rfa_export.Exported, config: ExportConfig) -> dict[str, object]:
    """The object that `--json` prints; its names are a contract."""
    return {
        "bundle": str(exported.bundle),
        "targets": list(config.targets),
        "precision": config.weights.label,
        "parity": exported.report.as_table(),
        "bytes": exported.bytes,
    }


def report(exported: rfa_export.Exported) -> str:
    """The same for people."""
    title = f"{exported.bundle}: {exported.bytes / 1e6:.1f} MB"
    return "\n".join([title, *exported.report.lines()])


if __name__ == "__main__":
    main()
