"""`rfa-bench gpu`: all that a GPU must be asked, into one file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rfa_bench.commands.provider import check_provider
from rfa_bench.gpu.parts import all_parts
from rfa_bench.gpu.report import run_parts
from rfa_bench.parts.part import Part
from rfa_bench.terminal import JSON, KEEP, LANGUAGE_SIZE, PROVIDER, count_option, measuring
from rfa_runtime.bundle.places import check_folder_of
from rfa_runtime.errors import OptionError

OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The JSON file to write."
)
ONLY = click.option("--only", metavar="PART,...", help="Run these parts alone, and those that they need.")


@click.command(epilog="Example:  rfa-bench gpu -o gpu.json --provider cuda --keep bundles")
@OUTPUT
@LANGUAGE_SIZE
@PROVIDER
@ONLY
@count_option("--limit", 900, "Seconds after which a part is ended.")
@KEEP
@JSON
def gpu(output: Path, size: str, provider: str, only: str | None, limit: int, keep: Path | None, as_json: bool) -> None:
    """Run all that a GPU must be asked, and write one JSON file.

    Tests, which operators the GPU runs, CUDA graphs, prompts, and the measurements in every precision.  A part that
    fails is noted, and the next one runs.  Call it in the repository: the tests are there.  With --provider cpu it
    runs the same on the processor, to try it out.
    """
    with measuring(keep) as (folder, _):
        check_folder_of(output)
        check_provider(provider)
        parts = chosen(all_parts(size, provider, folder.resolve()), only)
        head = {"size": size, "provider": provider}
        report = run_parts(parts, head, output, limit, lambda words: click.echo(words, err=True))
    failed = [part["name"] for part in report["parts"] if "error" in part]
    if as_json:
        print(json.dumps(report))
    else:
        print(
            f"{output}: {len(parts) - len(failed)} of {len(parts)} parts done; not done: {', '.join(failed) or 'none'}"
        )


def chosen(parts: list[Part], only: str | None) -> list[Part]:
    """The parts of these kinds or names, and those that they need.  Raises OptionError for one that there is not."""
    if only is None:
        return parts
    wanted = set(map(str.strip, only.split(",")))
    known = {part.kind for part in parts} | {part.name for part in parts}
    if wanted - known:
        raise OptionError(f"--only is {only!r}, wanted some of {', '.join(sorted(known))}")
    asked = [part for part in parts if {part.kind, part.name} & wanted]
    needed = {part.needs for part in asked}
    return [part for part in parts if part in asked or part.name in needed]
