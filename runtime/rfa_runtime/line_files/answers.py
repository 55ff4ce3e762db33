"""A batch in which some texts cannot be worked on: they get their complaint, the others their answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rfa_runtime.errors import PromptError, TextError

Given = TypeVar("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Worker(Generic[Given, Answer]):
    """What a bundle does with texts."""

    check: Callable[[Given], object]
    """Raises PromptError or TextError for a text that cannot be worked on."""
    work: Callable[[list[Given]], Sequence[Answer]]
    """Takes texts that passed, and gives an answer to each."""


def answers(texts: Sequence[Given], worker: Worker[Given, Answer]) -> list[Answer | PromptError | TextError]:
    """Return, for every text in its place, the answer or what is wrong with the text."""
    complaints = [complaint(text, worker) for text in texts]
    good = [text for text, found in zip(texts, complaints, strict=True) if found is None]
    given: Iterator[Answer] = iter(worker.work(good) if good else ())
    return [next(given) if found is None else found for found in complaints]


def complaint(text: Given, worker: Worker[Given, Answer]) -> PromptError | TextError | None:
    """What is wrong with a text, or nothing."""
    try:
        worker.check(text)
    except (PromptError, TextError) as error:
        return error
    return None
