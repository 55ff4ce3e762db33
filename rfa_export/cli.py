"""`rfa-export model.pt`: the command line of export."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from rfa_export.errors import ExportError
from rfa_export.parity_report import as_lines, as_table
from rfa_export.pipeline import Exported, export
from rfa_export.precision import PRECISIONS
from rfa_export.targets.registry import TARGETS
from rfa_models.checkpoint import load_checkpoint
from rfa_models.errors import ModelError
from rfa_runtime.errors import RfaRuntimeError

TARGET_HELP = f"What to write for, all with the same weights: {', '.join(TARGETS)}."


@click.command(epilog="Example:  rfa-export model.pt -o model.rfa")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Bundle folder; NAME.rfa beside NAME.pt by default."
)
@click.option("--target", default="ort", show_default=True, metavar="NAME,...", help=TARGET_HELP)
@click.option(
    "--precision", type=click.Choice(list(PRECISIONS)), default="fp32", show_default=True, help="Of the weights."
)
@click.option("--overwrite", is_flag=True, help="Replace a bundle at the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def main(checkpoint: Path, output: Path | None, target: str, precision: str, overwrite: bool, as_json: bool) -> None:
    """Turn CHECKPOINT into a bundle that rfa-run decodes in constant memory.

    The bundle is verified against the checkpoint before it appears; on any failure nothing is written.
    """
    console = Console(file=sys.stderr)  # this one, whatever stands in its place while torch is kept quiet
    try:
        loaded = load_checkpoint(checkpoint)
        bundle = output or checkpoint.with_suffix(".rfa")
        if not bundle.parent.is_dir():
            raise NotADirectoryError(f"{bundle.parent} is not a folder: make it first")
        with console.status("export") as status:
            exported = export(loaded, bundle, overwrite, status.update, names(target), precision)
    except (ModelError, ExportError, RfaRuntimeError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped: nothing was written", file=sys.stderr)
        sys.exit(130)
    print(json.dumps(result(exported, precision)) if as_json else report(exported))


def result(exported: Exported, precision: str) -> dict[str, object]:
    """The object that `--json` prints; its names are a contract."""
    return {
        "bundle": str(exported.bundle),
        "targets": list(exported.parity),
        "precision": precision,
        "parity": as_table(exported.parity),
        "bytes": exported.bytes,
    }


def report(exported: Exported) -> str:
    """The same for people."""
    return "\n".join([f"{exported.bundle}: {exported.bytes / 1e6:.1f} MB", *as_lines(exported.parity)])


def names(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",")]


if __name__ == "__main__":
    main()
