"""What a bundle answers to many texts: a text that it cannot take gets a complaint, the others get their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from rfa_runtime.bar import progress_bar
from rfa_runtime.errors import OptionError, PromptError, TextError
from rfa_runtime.line_files.rows import Rows
from rfa_runtime.wording import Setting

Given = TypeVar("Given")
Answer = TypeVar("Answer")
Complaint = PromptError | TextError


@dataclass(frozen=True)
class Worker(Generic[Given, Answer]):
    """What a bundle does with texts."""

    check: Callable[[Given], object]
    """Raises PromptError or TextError for a text that cannot be worked on."""
    work: Callable[[list[Given]], Sequence[Answer]]
    """Takes texts that passed the check, and gives an answer to each."""


def answer_rows(rows: Rows[Given], worker: Worker[Given, Answer], batch: int) -> list[Answer | None]:
    """Return an answer for every row that could be read, None where the model cannot take its text.

    Complaints, those of the reader included, go to standard error.  Raises TextError where there is nothing to score.
    """
    check_batch(batch)
    found: list[Answer | None] = []
    with progress_bar("score", len(rows.rows)) as bar:
        for error in rows.errors:
            bar.complain(error)
        if not rows.rows:
            raise TextError("no row can be scored")
        places = iter(rows.places)
        for some in in_batches(rows.rows, batch):
            for answer in answers(some, worker):
                place = next(places)
                if isinstance(answer, Complaint):
                    bar.complain(PromptError(f"{place}: {answer}"))
                    found.append(None)
                else:
                    found.append(answer)
            bar.advance(len(some))
    return found


def answers(texts: Sequence[Given], worker: Worker[Given, Answer]) -> list[Answer | Complaint]:
    """Return, for every text in its place, the answer or what is wrong with the text."""
    complaints: dict[int, Complaint] = {}
    good = []
    for place, text in enumerate(texts):
        error = complaint(text, worker)
        if error is None:
            good.append(text)
        else:
            complaints[place] = error
    given = iter(worker.work(good) if good else ())
    found: list[Answer | Complaint] = []
    for place in range(len(texts)):
        found.append(complaints[place] if place in complaints else next(given))
    return found


def complaint(text: Given, worker: Worker[Given, Answer]) -> Complaint | None:
    """Return what is wrong with a text; None where nothing is."""
    try:
        worker.check(text)
    except (PromptError, TextError) as error:
        return error
    return None


def in_batches(items: Iterable[Given], size: int) -> Iterator[list[Given]]:
    """Yield lists of `size` items; the last may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def check_batch(size: int) -> None:
    """Raise OptionError for a batch that holds nothing."""
    if size < 1:
        raise OptionError(Setting("batch"), f" is {size}, wanted at least 1")
