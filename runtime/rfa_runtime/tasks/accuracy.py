"""How often a classifier names the right class."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.answers import Worker, answer_rows
from rfa_runtime.line_files.labelled import Labelled
from rfa_runtime.line_files.rows import Rows
from rfa_runtime.tasks.classification import Classification, Classifier, Text


@dataclass(frozen=True)
class Accuracy:
    """How many texts got their own label; the names are the contract of `rfa-run --score --json`."""

    accuracy: float
    """Share of all items."""
    items: int
    """Rows that could be read.  A text that the model cannot take counts as wrong."""
    errors: int
    """Rows that could not be read, and texts that the model cannot take."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def score_classifier(classifier: Classifier, rows: Rows[Labelled], batch: int = 16) -> Accuracy:
    """Classify every row and compare.  batch: rows at once.  Complaints and progress go to standard error.

    A label that the model does not have is a broken row: it was made for other classes.
    """
    rows = with_known_labels(rows, classifier.labels)
    worker = Worker[Labelled, Classification](
        check=lambda row: classifier.encode(text_of(row)),
        work=lambda some: classifier.classify_batch(list(map(text_of, some))),
    )
    found = answer_rows(rows, worker, batch)
    right = 0
    for answer, row in zip(found, rows.rows, strict=True):
        if answer is not None and answer.label == row.label:
            right += 1
    return Accuracy(right / len(found), len(found), len(rows.errors) + found.count(None))


def text_of(row: Labelled) -> Text:
    """What the classifier reads of a row."""
    return row.text if row.pair is None else (row.text, row.pair)


def with_known_labels(rows: Rows[Labelled], labels: tuple[str, ...]) -> Rows[Labelled]:
    """Move rows with other labels to the errors."""
    known = Rows[Labelled](errors=list(rows.errors))
    for place, row in zip(rows.places, rows.rows, strict=True):
        known.add(place, partial(checked, row, place, labels))
    return known


def checked(row: Labelled, place: str, labels: tuple[str, ...]) -> Labelled:
    """Return a row whose label the model has."""
    if row.label not in labels:
        raise TextError(f"{place}: the label {row.label[:60]!r} is not among the model's: {', '.join(labels)[:120]}")
    return row
