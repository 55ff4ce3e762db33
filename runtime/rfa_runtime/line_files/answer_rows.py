"""The answers of a bundle to all rows of a data file, with complaints for those that it cannot answer."""

from __future__ import annotations

from typing import TypeVar

from rfa_runtime.bar import progress_bar
from rfa_runtime.errors import OptionError, PromptError, TextError
from rfa_runtime.line_files.answers import Worker, answers
from rfa_runtime.line_files.lines import in_batches
from rfa_runtime.line_files.rows import Rows

Row = TypeVar("Row")
Answer = TypeVar("Answer")


def answer_rows(rows: Rows[Row], worker: Worker[Row, Answer], batch: int) -> list[Answer | None]:
    """Return an answer for every row that could be read, None where the model cannot take its text.

    Complaints, those of the reader included, go to standard error.  Raises TextError where there is nothing to score.
    """
    if batch < 1:
        raise OptionError(f"batch is {batch}, wanted at least 1")
    found: list[Answer | None] = []
    with progress_bar("score", len(rows.rows)) as bar:
        for error in rows.errors:
            bar.complain(error)
        if not rows.rows:
            raise TextError("no row can be scored")
        for some in in_batches(zip(rows.places, rows.rows, strict=True), batch):
            given: list[Answer | PromptError | TextError] = answers([row for _, row in some], worker)
            for (place, _), answer in zip(some, given, strict=True):
                if isinstance(answer, (PromptError, TextError)):
                    bar.complain(PromptError(f"{place}: {answer}"))
                    found.append(None)
                else:
                    found.append(answer)
            bar.advance(len(some))
    return found
