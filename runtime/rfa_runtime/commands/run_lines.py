"""`rfa-run` on files: lines to answers, rows to a score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import TextError
from rfa_runtime.line_files.answers import Worker


class Table(Protocol):
    """A result that can be printed as JSON."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""


class FileScore(Table, Protocol):
    """What scoring a data file gave."""

    @property
    def items(self) -> int:
        """Rows that could be read."""

    @property
    def errors(self) -> int:
        """Rows that could not be read, and texts that the model cannot take."""


def run_lines(
    bundle: Bundle,
    worker: Worker[str, str],
    settings: Mapping[str, object],
    input_file: Path,
    output: Path,
    batch: int,
    overwrite: bool,
    **_: Any,
) -> None:
    """Answer every line of a file.  Raises TextError at the end where some could not be answered."""
    report = rfa_runtime.convert_lines(input_file, output, worker, bundle, settings, batch, overwrite)
    if report.errors:
        raise TextError(
            f"{report.errors:,} of {report.lines:,} lines could not be worked on: their answers are empty lines"
        )


def show_score(score: FileScore, words: str, as_json: bool) -> None:
    """Print a score.  words: the same for people.  Raises TextError afterwards where some rows are not in it."""
    print(json.dumps(score.as_table()) if as_json else words, flush=True)
    if score.errors:
        raise TextError(f"{score.errors:,} row(s) could not be scored: those that could be read count as wrong")


def as_json_line(result: Table) -> str:
    """A result on one line."""
    return json.dumps(result.as_table())
