"""A lecture from its beginning, or from where it was stopped, to its end: with a bar, a log and resume points."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from torch import Tensor

from rfa_models.recipes.train_config import TrainConfig
from rfa_models.teaching.bar import bar
from rfa_models.teaching.files import ConversionFiles
from rfa_models.teaching.lecture import LAYERS, Lecture, Lesson
from rfa_models.teaching.measure import compare
from rfa_models.teaching.resume import restore_lecture, save_lecture
from rfa_models.training.recipe_run import keep_log_up_to
from rfa_models.training.save_times import SaveTimes
from rfa_models.training.stop_request import StopRequest

EVERY = 100
"""Steps between two looks at how good the student is."""
A_FEW = 16
"""Texts of such a look."""
PARTS = 1000
"""Of a lecture, as its bar shows it."""


@dataclass(frozen=True)
class Course:
    """One lecture and its files."""

    lecture: Lecture
    files: ConversionFiles
    conversion: str
    """Fingerprint of the teacher and the settings."""
    text: str
    """Fingerprint of what is read."""
    console: Console

    def begin(self) -> None:
        """Go on where the lecture was stopped, or begin.  Raises as `restore_lecture` does."""
        if not self.files.resume.exists():
            self.files.log.unlink(missing_ok=True)
            return
        restore_lecture(self.files.resume, self.lecture, self.conversion, self.text)
        keep_log_up_to(self.files.log, self.lecture.done)
        self.console.print(f"going on at {self.lecture.tokens:,} tokens")

    def follow(self, held_out: Tensor) -> bool:
        """Teach; False when stopped by Ctrl-C before the end.  held_out: int32 [rows, T + 1], to look at now and then.

        Raises as `Lecture.lessons` does, OSError.
        """
        stop = StopRequest()
        saves = SaveTimes(TrainConfig())
        few = held_out[:A_FEW]
        ratio = None
        with bar(self.console, "") as progress, self.files.log.open("a") as lines, stop:
            task = progress.add_task("", total=PARTS, completed=round(PARTS * self.lecture.share))
            for lesson in self.lecture.lessons():
                if lesson.step % EVERY == 0:
                    ratio = compare(self.lecture.student, self.lecture.teacher, few).ratio
                lines.write(json.dumps(as_line(lesson, ratio)) + "\n")
                progress.update(task, completed=PARTS * lesson.share, description=describe(lesson, ratio))
                over = lesson.share >= 1.0  # measuring takes its time, too
                if saves.due(lesson.step) or stop.requested or over:
                    lines.flush()
                    with saves.saving():
                        save_lecture(self.files.resume, self.lecture, self.conversion, self.text)
                if stop.requested and not over:
                    return False
        return True


def as_line(lesson: Lesson, ratio: float | None) -> dict[str, Any]:
    """For the log."""
    return {
        "step": lesson.step,
        "stage": lesson.stage,
        "loss": lesson.loss,
        "tokens": lesson.tokens,
        "ratio": ratio,
    }


def describe(lesson: Lesson, ratio: float | None) -> str:
    """The figures beside the progress bar."""
    what = "layers" if lesson.stage == LAYERS else "logits"
    text = f"{what}, loss {lesson.loss:.3f}, {lesson.tokens:,} tokens"
    return text if ratio is None else f"{text}, {ratio:.3f} times the teacher's perplexity"
