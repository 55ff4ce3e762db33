"""`rfa-export model.pt`: the command line of export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from rfa_export.errors import ExportError
from rfa_export.pipeline import Exported, export
from rfa_export.precision import BLOCKS, PRECISIONS
from rfa_export.targets.catalogue import TARGETS
from rfa_export.targets.export_config import STATES, ExportConfig
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.data.texts import read_text
from rfa_models.errors import ModelError
from rfa_runtime.errors import RfaRuntimeError

FILE = click.Path(path_type=Path)
TARGET_HELP = f"What to write for, all with the same weights: {', '.join(TARGETS)}."
PRECISION = click.Choice(list(PRECISIONS))
BLOCK_HELP = (
    "Weights of int8 or int4 that share a scale: 128 by default; 256 is faster on processors, CUDA has 128 at most."
)


@click.command(epilog="Example:  rfa-export model.pt -o model.rfa --target ort,plain --precision int4 --eval valid.txt")
@click.argument("checkpoint", type=FILE)
@click.option("-o", "--output", type=FILE, help="Bundle folder; NAME.rfa beside NAME.pt by default.")
@click.option("--target", default="ort", show_default=True, metavar="NAME,...", help=TARGET_HELP)
@click.option("--precision", type=PRECISION, default="fp32", show_default=True, help="Of the weights.")
@click.option("--block-size", type=click.Choice(BLOCKS), metavar="N", help=BLOCK_HELP)
@click.option("--state", type=click.Choice(STATES), default="fp32", show_default=True, help="Of it between two steps.")
@click.option("--opset", type=int, help="Of target plain; 17, or 21 where weights are quantized, by default.")
@click.option("--eval", "text", type=FILE, help="Report the perplexity on this text, of the bundle and of torch.")
@click.option("--drift", type=int, default=0, metavar="N", help="Decode N tokens and report how far float64 is away.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle at the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def main(checkpoint: Path, output: Path | None, overwrite: bool, as_json: bool, **asked: Any) -> None:
    """Turn CHECKPOINT into a bundle that rfa-run decodes in constant memory.

    The bundle is verified against the checkpoint before it appears, in every runtime of its targets that is installed;
    on any failure nothing is written.
    """
    console = Console(file=sys.stderr)  # this one, whatever stands in its place while torch is kept quiet
    try:
        config = configuration(**asked)
        loaded = load_checkpoint(checkpoint)
        bundle = output or checkpoint.with_suffix(".rfa")
        if not bundle.parent.is_dir():
            raise NotADirectoryError(f"{bundle.parent} is not a folder: make it first")
        with console.status("export") as status:
            exported = export(loaded, bundle, overwrite, status.update, config)
    except (ModelError, ExportError, RfaRuntimeError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped: nothing was written", file=sys.stderr)
        sys.exit(130)
    print(json.dumps(result(exported, config)) if as_json else report(exported))


def configuration(
    target: str,
    precision: str,
    block_size: int | None,
    state: str,
    opset: int | None,
    text: Path | None,
    drift: int,
) -> ExportConfig:
    """What the command line asks for.  Raises TargetError, and DataError for a text that cannot be read."""
    targets = tuple(name.strip() for name in target.split(","))
    read = None if text is None else read_text(text)
    return ExportConfig(targets, precision, block_size, state, opset, read, drift)


def result(exported: Exported, config: ExportConfig) -> dict[str, object]:
    """The object that `--json` prints; its names are a contract."""
    return {
        "bundle": str(exported.bundle),
        "targets": list(exported.report.parity),
        "precision": config.weights.label,
        "parity": exported.report.as_table(),
        "bytes": exported.bytes,
    }


def report(exported: Exported) -> str:
    """The same for people."""
    return "\n".join([f"{exported.bundle}: {exported.bytes / 1e6:.1f} MB", *exported.report.lines()])


if __name__ == "__main__":
    main()
