"""The report of a folder: Markdown, CSV, images, and one page that opens without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rfa_bench.suite.charts import charts_of
from rfa_bench.suite.images import write_images
from rfa_bench.suite.page import write_page
from rfa_bench.suite.results import Result
from rfa_bench.suite.tables import cells_of, columns_of, shared_of, write_csv
from rfa_bench.tables import table

WORDS = ("system", "precision", "test", "model", "reason")
"""Columns that hold words."""


def write_report(results: Sequence[Result], folder: Path) -> Path:
    """Write everything.  Returns the page."""
    write_csv(results, folder / "report.csv")
    lines = ["# What rfa-bench measured", "", *conditions(results)]
    for result in results:
        images = write_images(charts_of(result), folder / "plots")
        lines += section(result, images, folder)
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    page = folder / "report.html"
    write_page(results, conditions(results), page)
    return page


def conditions(results: Sequence[Result]) -> list[str]:
    """The machine and the versions: a line, or one for each machine where there are several."""
    found: list[str] = []
    for result in results:
        if result.found is None:
            continue
        line = machine_words(result.found["machine"], result.found["versions"])
        if line not in found:
            found.append(line)
    return found


def machine_words(machine: Mapping[str, object], versions: Mapping[str, str]) -> str:
    """A machine and its packages in a line."""
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    return f"{where}; {packages}"


def section(result: Result, images: Sequence[Path], folder: Path) -> list[str]:
    """One part in Markdown."""
    lines = ["", f"## {result.name}", "", f"    {result.command}", ""]
    if result.error:
        return [*lines, f"Not measured: {result.error}"]
    if result.rows:
        shared = shared_of(result.rows)
        if shared:
            lines += [", ".join(f"{name} {value}" for name, value in shared.items()), ""]
        columns = columns_of(result.rows)
        lines += [table(columns, cells_of(result.rows, columns), WORDS)]
    if result.found is not None:
        others = result.found.get("not_measured", {})
        lines += ["", *(f"{system} was not measured: {reason}" for system, reason in others.items())]
    for image in images:
        lines += ["", f"![{image.stem}]({image.relative_to(folder)})"]
    return lines
