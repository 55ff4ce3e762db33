"""Fill in the figures of README.md and of the pages here, from what was measured.

`NAME` in a mark is a file: benchmarks/results/NAME.json of `rfa-bench all`, benchmarks/records/NAME.json of what was
measured once, or logs/NAME.jsonl of a training, of which the last line counts.  Every mark may end with `where` and
the values that rows must have.  A table of one figure has a line for each value of an axis and a column for each
system, or for those that are named:

    <!-- figures: decode-int4 ms_per_token by context of rfa,softmax where batch=1 -->
    <!-- end of figures -->

A table of rows has the columns that are named:

    <!-- rows: targets system,ms_per_token where precision=int4 -->
    <!-- end of rows -->

A figure within a sentence is that of one row:

    RFA needs <!-- figure: decode-int4 rfa_ratio where system=llama.cpp context=4096 -->0.2<!-- end --> times as long.

One that stands beside the rows:

    <!-- fact: load-int4 compared -->32<!-- end -->

And what was called, and where:

    <!-- command: decode-int4 -->
    <!-- end of command -->
    <!-- machine: decode-int4 -->a processor<!-- end -->

Run it after measuring again; a test compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rfa_bench.suite.report import machine_words
from rfa_bench.suite.results import Result, read_result
from rfa_bench.suite.tables import shown
from rfa_bench.tables import table

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
RECORDS = DOCS.parent / "benchmarks" / "records"
LOGS = DOCS / "logs"
FIGURES = re.compile(
    r"(<!-- figures: (\S+) (\S+) by (\S+?)(?: of (\S+))?(?: where (.+?))? -->\n).*?(<!-- end of figures -->)", re.DOTALL
)
ROWS = re.compile(r"(<!-- rows: (\S+) (\S+)(?: where (.+?))? -->\n).*?(<!-- end of rows -->)", re.DOTALL)
FIGURE = re.compile(r"(<!-- figure: (\S+) (\S+)(?: where (.+?))? -->).*?(<!-- end -->)")
FACT = re.compile(r"(<!-- fact: (\S+) (\S+) -->).*?(<!-- end -->)")
COMMAND = re.compile(r"(<!-- command: (\S+) -->\n).*?(<!-- end of command -->)", re.DOTALL)
MACHINE = re.compile(r"(<!-- machine: (\S+) -->).*?(<!-- end -->)", re.DOTALL)
HEADS = {
    "context": "tokens",
    "batch": "texts",
    "n_prompt": "tokens of the prompt",
    "precision": "weights",
    "runtime": "decoded by",
    "file_bytes": "files",
    "load_ms": "load, ms",
    "ms_per_token": "ms/token",
    "ms_per_step": "ms/step",
    "peak_rss_bytes": "peak memory",
    "state_bytes": "keeps",
    "moved_bytes": "moved",
    "gb_per_s": "read at, GB/s",
    "roofline_ms": "least, ms",
    "parity": "equal to torch",
    "rfa_ratio": "RFA's time",
    "output_throughput": "tokens/s",
    "median_ttft_ms": "ttft p50, ms",
    "p99_ttft_ms": "ttft p99, ms",
    "median_itl_ms": "itl p50, ms",
    "p99_itl_ms": "itl p99, ms",
    "rss_at_end": "memory",
    "before_ms": "before, ms",
    "after_ms": "after, ms",
    "encoder_bytes": "memory",
}
"""What stands above a column, where its name says too little."""
WORDS = (
    "system",
    "precision",
    "test",
    "operator",
    "runtime",
    "parity",
    "what",
    "gave",
    "student",
    "lessons",
    "program",
    "choice",
    "here",
    "there",
    "cache",
)
"""Columns that hold words."""
EXACT = ("ratio", "text_ratio", "ratio_2048", "perplexity", "bits_per_byte")
"""Figures whose third place behind the point counts."""


def main() -> None:
    """Fill in all pages."""
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


def pages() -> Iterator[Path]:
    """README.md, that of the pretrained models, and all pages here."""
    yield DOCS.parent / "README.md"
    yield DOCS.parent / "models" / "pretrained" / "README.md"
    yield from sorted(DOCS.glob("*.md"))


def filled(text: str) -> str:
    """A page with its figures.  Raises KeyError for a mark that names no row, or several, OSError for no file."""
    for mark, content in MARKS.items():
        text = mark.sub(replacing(content), text)
    return text


def replacing(content: Callable[..., str]) -> Callable[[re.Match[str]], str]:
    """Keep the two marks, the first and the last group, and put between them what the words of the first ask for."""

    def replaced(found: re.Match[str]) -> str:
        first, *words, last = found.groups()
        return first + content(*words) + last

    return replaced


def pivot(name: str, figure: str, axis: str, systems: str | None, words: str | None) -> str:
    """A table of one figure."""
    rows = [row for row in fitting(result_of(name), words) if row.get(figure) is not None]
    columns = systems.split(",") if systems else list(dict.fromkeys(row["system"] for row in rows))
    lines = []
    for value in dict.fromkeys(row[axis] for row in rows):
        cells = [f"{value:,}"]
        for system in columns:
            here = [row for row in rows if (row["system"], row[axis]) == (system, value)]
            cells.append(shown(figure, here[0][figure]) if here else "")
        lines.append(cells)
    return table([HEADS.get(axis, axis), *columns], lines) + "\n\n"


def list_of(name: str, columns: str, words: str | None) -> str:
    """A table of rows."""
    names = columns.split(",")
    lines = [[cell(column, row.get(column)) for column in names] for row in fitting(result_of(name), words)]
    heads = [HEADS.get(column, column.replace("_", " ")) for column in names]
    words_in = [HEADS.get(column, column) for column in WORDS]
    return table(heads, lines, words_in) + "\n\n"


def fact_of(name: str, figure: str) -> str:
    """A figure that stands beside the rows."""
    return shown(figure, found_of(name)[figure])


def machine_of(name: str) -> str:
    """The machine and the versions of a measurement."""
    found = found_of(name)
    return machine_words(found["machine"], found["versions"])


def found_of(name: str) -> dict[str, Any]:
    """All that a measurement printed.  Raises KeyError for one that failed."""
    found = result_of(name).found
    if found is None:
        raise KeyError(f"{name} was not measured")
    return found


def command_of(name: str) -> str:
    """What was called."""
    return f"\n    {result_of(name).command}\n\n"


def cell(name: str, value: Any) -> str:
    """A value of a table; what is found by names is put into words."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {found}" for key, found in value.items())
    if name in EXACT:
        return f"{value:.3f}"
    return shown(name, value)


def figure_of(name: str, figure: str, words: str | None) -> str:
    """The figure of one row.  words: `field=value` with spaces between them."""
    rows = fitting(result_of(name), words)
    if len(rows) != 1:
        raise KeyError(f"{name} has {len(rows)} rows with {words}, wanted one")
    return cell(figure, rows[0][figure])


def fitting(result: Result, words: str | None) -> list[dict[str, Any]]:
    """The rows that have these values.  words: `field=value` with spaces between them; None for all rows."""
    wanted = dict(word.split("=", 1) for word in (words or "").split())
    return [row for row in result.rows if all(str(row.get(field)) == value for field, value in wanted.items())]


def result_of(name: str) -> Result:
    """What was measured, by its name."""
    for folder in (RESULTS, RECORDS):
        if (folder / f"{name}.json").exists():
            return read_result(folder / f"{name}.json")
    log = LOGS / f"{name}.jsonl"
    if log.exists():
        last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
        return Result(name, f"rfa-train models/recipes/{name}.toml", 0.0, {"rows": [last]}, "")
    raise FileNotFoundError(f"nothing was measured of the name {name!r}")


MARKS: Mapping[re.Pattern[str], Callable[..., str]] = {
    FIGURES: pivot,
    ROWS: list_of,
    FIGURE: figure_of,
    FACT: fact_of,
    COMMAND: command_of,
    MACHINE: machine_of,
}
"""What each mark asks for."""


if __name__ == "__main__":
    main()
