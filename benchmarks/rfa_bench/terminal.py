"""What all commands share: options, how a measurement begins and fails, and how its result is printed."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from rfa_bench.machine import machine, versions
from rfa_bench.subjects.shapes import SIZES
from rfa_export.errors import ExportError
from rfa_export.precision import BLOCKS, PRECISIONS
from rfa_models.errors import ModelError
from rfa_runtime.bundle.places import check_folder_of, check_readable
from rfa_runtime.bundle.process_lock import writing
from rfa_runtime.ending import in_one_line, warnings_in_one_line
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.threads import LARGEST_THREADS, ThreadsWarning, check_threads

if TYPE_CHECKING:
    from click.decorators import FC

Progress = Callable[[str], None]
"""Shows what is being done."""
FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
COUNT = click.IntRange(min=1)
STOPPED = "stopped before the measurement came to its end"


class Lengths(click.ParamType[list[int]]):
    """Numbers with commas between them, such as 128,512."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Read the numbers.  Fails for anything else, and for numbers below one."""
        numbers = []
        for part in value.split(","):
            if not part.strip().isdecimal() or int(part) < 1:
                self.fail(f"{value!r} came, wanted numbers above zero such as 128,512", param, ctx)
            numbers.append(int(part))
        return numbers


def size_option(names: Mapping[str, object], default: str) -> Callable[[FC], FC]:
    """The option `--size`, a choice between the shapes of these names."""
    choice = click.Choice(list(names))
    return click.option("--size", type=choice, default=default, show_default=True, help="Shape of the model.")


def count_option(name: str, default: int, help_text: str) -> Callable[[FC], FC]:
    """An option that is a number above zero."""
    return click.option(name, type=COUNT, default=default, show_default=True, help=help_text)


def lengths_option(name: str, default: str, help_text: str) -> Callable[[FC], FC]:
    """An option that is numbers with commas between them."""
    return click.option(name, type=Lengths(), default=default, show_default=True, help=help_text)


def precisions_option(default: str) -> Callable[[FC], FC]:
    """The option `--precisions`, names with commas between them; whoever uses a name checks it."""
    words = "Precisions of the weights, with commas."
    return click.option(
        "--precisions", default=default, show_default=True, metavar="NAME,...", callback=names_of, help=words
    )


def names_of(context: click.Context, option: click.Parameter, text: str) -> list[str]:
    """The names between commas."""
    return list(map(str.strip, text.split(",")))


def warned_of_threads(context: click.Context, option: click.Parameter, count: int) -> int:
    """Take a number of threads; warn at once where there are fewer cores: the measuring processes cannot be heard."""
    with warnings_in_one_line():
        return check_threads(count)


LANGUAGE_SIZE = size_option(SIZES, "gpt2-small")
BATCH = count_option("--batch", 1, "Texts side by side.")
THREADS = click.option(
    "--threads",
    type=click.IntRange(1, LARGEST_THREADS),
    default=1,
    show_default=True,
    callback=warned_of_threads,
    help="CPU threads of a step.",
)
BUNDLE = click.option("--bundle", type=FILE, help="Measure this bundle in place of a shape.")
PRECISION = click.option(
    "--precision",
    type=click.Choice(list(PRECISIONS)),
    default="fp32",
    show_default=True,
    help="Precision of all weights.",
)
BLOCK_SIZE = click.option(
    "--block-size", type=click.Choice(BLOCKS), metavar="N", help="How many weights share a scale, as for rfa-export."
)
THROUGHPUT = click.option("--throughput", is_flag=True, help="With graphs for many tokens and rows, as for rfa-export.")
PROVIDER = click.option(
    "--provider",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where the graphs run.",
)
PLOT = click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a plot to this PNG file.")
KEEP = click.option("--keep", type=FOLDER, help="Folder for exported graphs, to use them again; temporary by default.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@contextmanager
def measuring(
    keep: Path | None = None, plot: Path | None = None, files: Sequence[Path | str | None] = ()
) -> Iterator[tuple[Path, Progress]]:
    """Give a folder for exported graphs, and a function that shows progress on standard error.

    plot, files: what will be written and read; both are looked for first.

    keep: the folder, made if it is not there and for one command at a time; a temporary one by default.  An error that
    we raise on purpose becomes one line and exit code 2, Ctrl-C becomes one line and exit code 130.
    """
    with (
        in_one_line(ModelError, ExportError, RfaRuntimeError, stopped=STOPPED),
        tempfile.TemporaryDirectory() as temporary,
        Console(stderr=True).status("load") as status,
    ):
        warnings.simplefilter("ignore", ThreadsWarning)  # said already, where the option was read
        check_readable(*files)
        if plot is not None:
            check_folder_of(plot)
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder / "graphs"):  # a lock inside: the folder above may not be ours to write to
            yield folder, status.update


def print_result(result: dict[str, Any], text: str, as_json: bool) -> None:
    """Print JSON with machine and versions, or a text that says where it was measured."""
    where = machine()
    words = (
        f"{text}\n\nmeasured on {where['processor']}, {where['cores']} cores, onnxruntime {versions()['onnxruntime']}"
    )
    with in_one_line():
        print(json.dumps({"machine": where, "versions": versions()} | result) if as_json else words)
