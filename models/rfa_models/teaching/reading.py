"""What a student reads, and what it is measured on: text of the teacher's, files, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress, TaskID
from torch import Tensor

from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.teaching.bar import bar
from rfa_models.teaching.samples import HELD_OUT, Samples, write_samples
from rfa_models.teaching.student_config import TeachingConfig
from rfa_models.teaching.texts import read_rows

CALIBRATION = 8
"""Texts that show how long the teacher's queries and keys are."""
NAME_DIGITS = 12
"""Of the teacher's fingerprint, in the names of its samples."""


@dataclass(frozen=True)
class Reading:
    """Where the text of one conversion comes from."""

    given: SoftmaxModel
    """The teacher."""
    fingerprint: str
    """Of the teacher."""
    teaching: TeachingConfig
    seed: int
    folder: Path
    """Where what the teacher wrote is kept."""

    def texts(self, files: Sequence[str | Path], console: Console) -> tuple[Tensor, Tensor]:
        """Let the teacher write, with a progress bar, and read the files.

        Returns what is read and what measures the student, int32 [rows, T + 1] each.  Raises as `write_samples` and
        `read_rows` do.
        """
        self.folder.mkdir(exist_ok=True)
        held_out = self.samples(self.teaching.held_out, self.seed + HELD_OUT)
        own = self.samples(self.rows_to_write(), self.seed)
        found = []
        with bar(console, "the teacher writes") as progress:
            task = progress.add_task("", total=own.rows + held_out.rows)
            measured = write_samples(self.given.model, held_out, partial(show_rows, progress, task, 0))
            if own.rows:
                show = partial(show_rows, progress, task, held_out.rows)
                found.append(write_samples(self.given.model, own, show))
        if files:
            found.append(self.rows_of(files))
        return torch.cat(found), measured

    def samples(self, rows: int, seed: int) -> Samples:
        """So many texts of the teacher's."""
        first = first_token(self.given)
        return Samples(self.folder, self.fingerprint[:NAME_DIGITS], rows, self.teaching.length, first, seed)

    def rows_of(self, files: Sequence[str | Path]) -> Tensor:
        """Files of text as texts of a lesson's length, int32 [rows, T + 1].  Raises as `read_rows` does."""
        return read_rows(files, self.given.tokenizer, first_token(self.given), self.teaching.length)

    def rows_to_write(self) -> int:
        """How many texts the teacher writes to be learned from: no more than are read."""
        read = max(self.teaching.tokens, CALIBRATION * self.teaching.length)
        return -(-min(self.teaching.samples, read) // self.teaching.length)


def first_token(given: SoftmaxModel) -> int:
    """The token that the teacher's texts begin with: the one that begins texts, or else one that ends them."""
    if given.special_ids.bos is not None:
        return given.special_ids.bos
    return min(given.special_ids.ends, default=0)


def show_rows(progress: Progress, task: TaskID, before: int, done: int) -> None:
    """Tell a bar how many texts are written, `before` them others."""
    progress.update(task, completed=before + done)
