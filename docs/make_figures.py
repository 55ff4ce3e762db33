"""Fill in the figures of README.md and of the pages here, from the files of `rfa-bench all` in benchmarks/results.

A table stands between marks that say what it shows, a line for each value of an axis, a column for each system:

    <!-- figures: decode-int4 ms_per_token by context -->
    <!-- end of figures -->

A figure within a sentence is that of one row, which the mark names by as many of its fields as it takes:

    RFA needs <!-- figure: decode-int4 rfa_ratio system=llama.cpp context=4096 -->0.2<!-- end --> times as long.

Run it after measuring again; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rfa_bench.suite.results import Result, read_result
from rfa_bench.suite.tables import shown
from rfa_bench.tables import table

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
TABLE = re.compile(r"(<!-- figures: (\S+) (\S+) by (\S+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
FIGURE = re.compile(r"(<!-- figure: (\S+) (\S+) (.+?) -->).*?(<!-- end -->)")
AXES = {
    "context": "tokens",
    "batch": "texts",
    "n_prompt": "tokens of the prompt",
}
"""How an axis is called above its column."""


def main() -> None:
    """Fill in all pages."""
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


def pages() -> Iterator[Path]:
    """README.md and all pages here."""
    yield DOCS.parent / "README.md"
    yield from sorted(DOCS.glob("*.md"))


def filled(text: str) -> str:
    """A page with its figures.  Raises KeyError for a mark that names no row, or several."""
    text = TABLE.sub(lambda found: found[1] + table_of(found[2], found[3], found[4]) + found[5], text)
    return FIGURE.sub(lambda found: found[1] + figure_of(found[2], found[3], found[4]) + found[5], text)


def table_of(name: str, figure: str, axis: str) -> str:
    """A table, and the command behind it."""
    result = result_of(name)
    rows = [row for row in result.rows if row.get(figure) is not None]
    systems = list(dict.fromkeys(row["system"] for row in rows))
    lines = []
    for value in dict.fromkeys(row[axis] for row in rows):
        cells = [f"{value:,}"]
        for system in systems:
            here = [row for row in rows if (row["system"], row[axis]) == (system, value)]
            cells.append(shown(figure, here[0][figure]) if here else "")
        lines.append(cells)
    return f"{table([AXES[axis], *systems], lines)}\n\n    {result.command}\n\n"


def figure_of(name: str, figure: str, words: str) -> str:
    """The figure of one row.  words: `field=value` with spaces between them."""
    wanted = dict(word.split("=", 1) for word in words.split())
    rows = [row for row in result_of(name).rows if fits(row, wanted)]
    if len(rows) != 1:
        raise KeyError(f"{name} has {len(rows)} rows with {words}, wanted one")
    return shown(figure, rows[0][figure])


def fits(row: dict[str, Any], wanted: dict[str, str]) -> bool:
    """Whether a row has these values."""
    return all(str(row.get(field)) == value for field, value in wanted.items())


def result_of(name: str) -> Result:
    """A file of benchmarks/results."""
    return read_result(RESULTS / f"{name}.json")


if __name__ == "__main__":
    main()
