"""`rfa-bench`: the command line of the measurements."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from rfa_bench import tables as report
from rfa_bench.commands import (
    agreement,
    classification,
    exporting,
    growth,
    latency,
    overhead,
    steady,
    targets,
    translation,
)
from rfa_bench.machine import machine, versions
from rfa_bench.subjects.classifier_twins import CLASSIFIERS, export_classifier_twins
from rfa_bench.subjects.translator_twins import TRANSLATORS, export_translator_twins
from rfa_bench.subjects.twins import SIZES, export_random, export_twins, random_checkpoint, twin_of
from rfa_export.errors import ExportError
from rfa_export.precision import BLOCKS, PRECISIONS
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.data.texts import read_text
from rfa_models.errors import ModelError
from rfa_runtime.errors import RfaRuntimeError

console = Console(stderr=True)
FOLDER = click.Path(path_type=Path, file_okay=False)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Lengths(click.ParamType[list[int]]):
    """Numbers of tokens with commas between them, such as 128,512."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Read the numbers.  Fails for anything else, and for numbers below one."""
        parts = value.split(",") if isinstance(value, str) else [str(number) for number in value]
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} came, wanted numbers above zero such as 128,512", param, ctx)
        return [int(part) for part in parts]


THREADS = click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="CPU threads of a step."
)
SIZE = click.option(
    "--size", type=click.Choice(list(SIZES)), default="gpt2-small", show_default=True, help="Shape to measure."
)
KEEP = click.option("--keep", type=FOLDER, help="Folder for exported graphs, to use them again; temporary by default.")


@click.group(epilog="Example:  rfa-bench latency --size gpt2-small --threads 2 --plot latency.png")
def main() -> None:
    """Measure latency, memory, overhead and agreement with torch on this machine."""


@main.command("latency", epilog="Example:  rfa-bench latency --checkpoint model.pt --bundle model.rfa")
@SIZE
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Measure this model's shape; needs --bundle.")
@click.option("--bundle", type=click.Path(path_type=Path), help="The checkpoint's bundle.")
@click.option(
    "--contexts", type=Lengths(), default="128,512,2048,8192", show_default=True, help="Tokens of context, with commas."
)
@click.option(
    "--precision", type=click.Choice(list(PRECISIONS)), default="fp32", show_default=True, help="Of both's weights."
)
@click.option("--block-size", type=click.Choice(BLOCKS), metavar="N", help="Of both's weights, as for rfa-export.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True)
@THREADS
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Turns after each of 3 starts."
)
@click.option(
    "--burst", type=click.IntRange(min=1), default=16, show_default=True, help="Steps of one system per turn."
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot as PNG.")
@KEEP
@JSON
def latency_command(
    size: str,
    checkpoint: Path | None,
    bundle: Path | None,
    contexts: list[int],
    precision: str,
    block_size: int | None,
    batch: int,
    threads: int,
    rounds: int,
    burst: int,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time per token and memory at growing context, RFA against the strongest softmax export."""
    if (checkpoint is None) != (bundle is None):
        raise click.UsageError("--checkpoint and --bundle go together")
    with working(keep) as folder, console.status("export") as status:
        asked = ExportConfig(precision=precision, block_size=block_size)
        if checkpoint is not None and bundle is not None:
            bundles = {"rfa": bundle, "softmax": twin_of(load_checkpoint(checkpoint), folder, asked)}
        else:
            bundles = export_twins(SIZES[size], folder, asked)
        weights = asked.weights.label
        rows = latency.measure(bundles, contexts, batch, weights, threads, rounds, burst, status.update)
    if plot is not None:
        report.plot_latency(rows, f"{checkpoint or size}, {weights}, batch {batch}, {threads} thread(s)", plot)
    print_result({"rows": latency.as_tables(rows)}, report.table(rows), as_json)


@main.command("translation", epilog="Example:  rfa-bench translation --batch 16 --threads 2 --plot translation.png")
@click.option("--size", type=click.Choice(list(TRANSLATORS)), default="base", show_default=True, help="Shape.")
@click.option("--sources", type=Lengths(), default="32,512,2048", show_default=True, help="Source tokens, with commas.")
@click.option(
    "--targets", type=Lengths(), default="32,128,512,2048", show_default=True, help="Target tokens, with commas."
)
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True)
@THREADS
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Turns of all systems.")
@click.option("--burst", type=click.IntRange(min=1), default=8, show_default=True, help="Steps of one system per turn.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot as PNG.")
@KEEP
@JSON
def translation_command(
    size: str,
    sources: list[int],
    targets: list[int],
    batch: int,
    threads: int,
    rounds: int,
    burst: int,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time per target token of a translator at growing source and target, RFA against the strongest softmax export."""
    with working(keep) as folder, console.status("export") as status:
        bundles = export_translator_twins(TRANSLATORS[size], folder)
        rows = translation.measure(bundles, sources, targets, batch, threads, rounds, burst, status.update)
    if plot is not None:
        translation.plot(rows, f"translator of size {size}, batch {batch}, {threads} thread(s)", plot)
    print_result({"rows": translation.as_tables(rows)}, translation.table(rows), as_json)


@main.command("classification", epilog="Example:  rfa-bench classification --threads 2 --plot classification.png")
@click.option("--size", type=click.Choice(list(CLASSIFIERS)), default="base", show_default=True, help="Shape.")
@click.option(
    "--lengths", type=Lengths(), default="4096,16384,65536", show_default=True, help="Bytes of text, with commas."
)
@THREADS
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Calls at each length.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot as PNG.")
@KEEP
@JSON
def classification_command(
    size: str, lengths: list[int], threads: int, rounds: int, plot: Path | None, keep: Path | None, as_json: bool
) -> None:
    """Time and peak memory of a long text in one call, RFA against softmax."""
    with working(keep) as folder, console.status("export") as status:
        bundles = export_classifier_twins(CLASSIFIERS[size], folder)
        rows = classification.measure(bundles, lengths, threads, rounds, status.update)
    if plot is not None:
        classification.plot(rows, f"classifier of size {size}, one text, {threads} thread(s)", plot)
    print_result({"rows": classification.as_tables(rows)}, classification.table(rows), as_json)


@main.command("growth", epilog="Example:  rfa-bench growth --plot growth.png")
@click.option("--longest", type=click.IntRange(min=4096), default=65536, show_default=True, help="Tokens.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot as PNG.")
@JSON
def growth_command(longest: int, plot: Path | None, as_json: bool) -> None:
    """Time and memory of the training form from 1,024 tokens up, by doubling."""
    lengths = [1024]
    while lengths[-1] * 2 <= longest:
        lengths.append(lengths[-1] * 2)
    with working(None), console.status("measure"):
        sweeps = {name: growth.measure(lengths, gate) for name, gate in (("no gate", False), ("gate", True))}
    if plot is not None:
        growth.plot(sweeps, plot)
    lines = ["| tokens | " + " | ".join(f"{name} ms | {name} memory" for name in sweeps) + " |", "|" + "---:|" * 5]
    for index, length in enumerate(lengths):
        cells = [f"{s[index].seconds * 1e3:.1f} | {report.size(s[index].bytes)}" for s in sweeps.values()]
        lines.append(f"| {length:,} | " + " | ".join(cells) + " |")
    for name, sweep in sweeps.items():
        slopes = f"time {growth.exponent(sweep, 'seconds'):.2f}, memory {growth.exponent(sweep, 'bytes'):.2f}"
        lines.append(f"\n{name}: exponent of {slopes} (1 is linear)")
    print_result({name: [asdict(row) for row in sweep] for name, sweep in sweeps.items()}, "\n".join(lines), as_json)


@main.command("steady", epilog="Example:  rfa-bench steady model.rfa --tokens 20000")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--tokens", type=click.IntRange(min=400), default=20_000, show_default=True)
@THREADS
@JSON
def steady_command(bundle: Path, tokens: int, threads: int, as_json: bool) -> None:
    """Decode many tokens: memory after the first 100 against the end, first steps against last."""
    with working(None), console.status(f"decode {tokens:,} tokens"):
        found = steady.measure(bundle, tokens, threads)
    text = (
        f"{tokens:,} tokens: {found.first_ms:.3f} ms per token at first, {found.last_ms:.3f} ms at last "
        f"(ratio {found.last_ms / found.first_ms:.3f})\n"
        f"resident memory {found.rss_after_warm_up / 1e6:.2f} MB after 100 tokens, "
        f"{found.rss_at_end / 1e6:.2f} MB at the end, {found.rss_highest / 1e6:.2f} MB at most"
    )
    print_result(asdict(found), text, as_json)


@main.command("overhead", epilog="Example:  rfa-bench overhead --size gpt2-small --threads 2")
@SIZE
@THREADS
@click.option("--rounds", type=click.IntRange(min=1), default=15, show_default=True)
@click.option("--burst", type=click.IntRange(min=1), default=20, show_default=True)
@KEEP
@JSON
def overhead_command(size: str, threads: int, rounds: int, burst: int, keep: Path | None, as_json: bool) -> None:
    """The exported graph against one written by hand, and the decoding loop against the bare call."""
    with working(keep) as folder, console.status("measure"):
        bundle = export_random(SIZES[size], folder, "rfa")
        found = overhead.measure(SIZES[size], bundle, folder, threads, rounds, burst)
    text = (
        f"{size}, {threads} thread(s): exported graph {found.exported_us:.0f} us, written by hand "
        f"{found.handwritten_us:.0f} us, ratio {found.graph_ratio:.3f}\n"
        f"the decoding loop adds {found.loop_us:.0f} us per token to the bare call through io_binding; a token takes "
        f"{found.token_us:.0f} us, session.run with arrays {found.session_run_us:.0f} us"
    )
    print_result(asdict(found), text, as_json)


@main.command("targets", epilog="Example:  rfa-bench targets --checkpoint model.pt --eval valid.txt --threads 2")
@SIZE
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Measure this language model in place of a shape.")
@click.option("--precisions", default="fp32,fp16,int8,int4", show_default=True, metavar="NAME,...", help="Of weights.")
@click.option("--eval", "text", type=click.Path(path_type=Path), help="Report the perplexity on this text.")
@THREADS
@click.option("--bursts", type=click.IntRange(min=1), default=16, show_default=True, help="Of 8 tokens each.")
@KEEP
@JSON
def targets_command(
    size: str,
    checkpoint: Path | None,
    precisions: str,
    text: Path | None,
    threads: int,
    bursts: int,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Every target of rfa-export in every precision: size, load time, time per token, memory, perplexity, parity."""
    with working(keep) as folder, console.status("load") as status:
        model = random_checkpoint(SIZES[size]) if checkpoint is None else load_checkpoint(checkpoint)
        words = None if text is None else read_text(text)
        wanted = [name.strip() for name in precisions.split(",")]
        rows = targets.measure(model, wanted, words, folder, threads, bursts, status.update)
    print_result({"rows": targets.as_tables(rows)}, targets.table(rows), as_json)


@main.command("export", epilog="Example:  rfa-bench export --size gpt2-small --target ort,plain --precision int4")
@SIZE
@click.option("--target", default="ort", show_default=True, metavar="NAME,...", help="As of rfa-export.")
@click.option("--precision", type=click.Choice(list(PRECISIONS)), default="fp32", show_default=True)
@KEEP
@JSON
def export_command(size: str, target: str, precision: str, keep: Path | None, as_json: bool) -> None:
    """Time and peak memory of rfa-export itself, verification included."""
    with working(keep) as folder, console.status("measure") as status:
        options = ("--target", target, "--precision", precision)
        found = exporting.measure(size, folder, options, status.update)
    text = (
        f"{size}, {found.parameters:,} parameters, {precision} for {target}: {found.seconds:.1f} s, at most "
        f"{report.size(found.peak_rss_bytes)} of memory, {found.memory_ratio:.2f} times the model's "
        f"{report.size(found.model_bytes)}; the bundle has {report.size(found.bundle_bytes)}"
    )
    print_result(asdict(found), text, as_json)


@main.command("agreement", epilog="Example:  rfa-bench agreement model.pt model.rfa test.en test.de")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("data", nargs=-1, required=True)
@THREADS
@JSON
def agreement_command(checkpoint: Path, bundle: Path, data: tuple[str, ...], threads: int, as_json: bool) -> None:
    """Count the rows of DATA to which a bundle answers as torch does: the same translation, the same label.

    DATA is a .tsv or .jsonl, or the two plain files of a translation.
    """
    with working(None), console.status("load") as status:
        found = agreement.measure(load_checkpoint(checkpoint), bundle, data, threads, status.update)
    text = (
        f"{found.equal:,} of {found.items:,} answers are the same; {found.metric} {found.torch:.4f} in torch, "
        f"{found.bundle:.4f} of the bundle"
    )
    print_result(asdict(found), text, as_json)


@contextmanager
def working(keep: Path | None) -> Iterator[Path]:
    """A folder for exported graphs; errors of ours become one line and exit code 2."""
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = keep or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
    except (ModelError, ExportError, RfaRuntimeError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


def print_result(table: dict[str, object], text: str, as_json: bool) -> None:
    """JSON with machine and versions, or text that says where it was measured."""
    if as_json:
        print(json.dumps({"machine": machine(), "versions": versions()} | table))
        return
    where = machine()
    print(text)
    print(f"\nmeasured on {where['processor']}, {where['cores']} cores, onnxruntime {versions()['onnxruntime']}")


if __name__ == "__main__":
    main()
