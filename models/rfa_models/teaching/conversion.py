"""A softmax model in, a model of ours on the disk out: what `rfa-convert` does, `convert_softmax` in Python.

Beside the model lie NAME.samples, what the teacher wrote, NAME.log.jsonl, one line per step, and NAME.resume while the
conversion lasts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from rfa_models.checkpoints.checkpoint import Checkpoint, save_checkpoint
from rfa_models.checkpoints.output import reserved_output
from rfa_models.convert.pretrained.read import files_of_model, read_softmax_model
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.recipes.train_config import TrainConfig
from rfa_models.teaching.files import ConversionFiles
from rfa_models.teaching.lecture import LAYERS, Lecture, Lesson
from rfa_models.teaching.measure import compare
from rfa_models.teaching.report import Report, finite, measure
from rfa_models.teaching.resume import (
    conversion_fingerprint,
    read_resume,
    restore_lecture,
    save_lecture,
    teacher_fingerprint,
    text_fingerprint,
)
from rfa_models.teaching.samples import HELD_OUT, Samples, write_samples
from rfa_models.teaching.student import new_student
from rfa_models.teaching.student_config import StudentConfig, TeachingConfig
from rfa_models.teaching.texts import read_rows
from rfa_models.training.device import choose_device, set_threads, threads_that_pay
from rfa_models.training.recipe_run import keep_log_up_to
from rfa_models.training.save_times import SaveTimes
from rfa_models.training.stop_request import StopRequest
from rfa_runtime.bundle.places import check_readable

STUDENT = StudentConfig()
TEACHING = TeachingConfig()
EVERY = 100
"""Steps between two looks at how good the student is."""
TEACHER_DIGITS = 12
"""Of its fingerprint, in the names of its samples."""
PARTS = 1000
"""Of a lecture, as its bar shows it."""
A_FEW = 16
"""Texts of such a look."""
CALIBRATION = 8
"""Texts that show how long the teacher's queries and keys are."""


@dataclass(frozen=True)
class Conversion:
    """What a call of `convert_softmax` came to."""

    model: Path
    """The student, usable whether or not its lessons are over."""
    finished: bool
    """False where Ctrl-C or `kill` stopped it: the same call goes on from there."""
    report: Report
    notes: tuple[str, ...]
    """What a user should know of how the teacher was read."""

    def as_table(self) -> dict[str, Any]:
        """What `rfa-convert --json` prints; the names are a contract."""
        of_a_lesson = self.report.of_a_lesson
        return {
            "model": str(self.model),
            **finite({name: of_a_lesson[name] for name in ("teacher_perplexity", "perplexity", "ratio")}),
            "tokens": self.report.tokens,
            "seconds": round(self.report.seconds, 1),
            "report": self.report.as_table(),
        }

    def as_line(self) -> str:
        """The same for people."""
        of_a_lesson = self.report.of_a_lesson
        return (
            f"{self.model}: perplexity {of_a_lesson['perplexity']:.3f}, {of_a_lesson['ratio']:.3f} times the "
            f"teacher's, after {self.report.tokens:,} tokens in {self.report.seconds:,.0f} s"
        )


def convert_softmax(
    source: str | Path,
    output: str | Path,
    *,
    student: StudentConfig = STUDENT,
    teaching: TeachingConfig = TEACHING,
    texts: Sequence[str | Path] = (),
    measured: Sequence[str | Path] = (),
    tokenizer: str | Path | None = None,
    device: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    restart: bool = False,
    console: Console | None = None,
) -> Conversion:
    """Turn a pretrained softmax model into one with random features, and write it to `output`.

    source: a folder in the layout of Hugging Face, a GGUF file, or a model of llama2.c.  tokenizer: of the last, where
    it does not lie beside.  texts: files to learn from, besides what the teacher writes.  measured: files to be
    measured on, too.  device, threads, overwrite and restart as for `train_recipe`.  console: shows messages and a
    progress bar; quiet by default.
    Raises CheckpointError or DataError for a source that cannot be read, ConfigError for settings that cannot work,
    TrainingError where the student diverges, OSError.
    """
    console = console or Console(quiet=True)
    source = Path(source)
    files = ConversionFiles(Path(output))
    if threads is not None:
        set_threads(threads)
    if not teaching.samples and not texts:
        raise ConfigError("samples is 0 and there are no texts: there is nothing to learn from")
    stopped = files.resume.exists()  # then the model there is its own
    with reserved_output(files.model, overwrite or stopped):
        with console.status(f"read {source.name}"):
            given = read_softmax_model(source, None if tokenizer is None else Path(tokenizer))
        work = Work(given, source, student, fitted(teaching, given.model), files, choose_device(device), console)
        if threads is None and work.device.type == "cpu":
            parameters = sum(parameter.numel() for parameter in given.model.parameters())
            set_threads(threads_that_pay(parameters, teaching.step_tokens))
        if restart:
            files.resume.unlink(missing_ok=True)
        return work.do(texts, measured)


def fitted(teaching: TeachingConfig, teacher: LanguageModel) -> TeachingConfig:
    """Lessons that are no longer than what the teacher was trained with, and begin where it can read."""
    if teacher.config.positions != "none":
        teaching = replace(teaching, farthest_start=0)
    longest = teacher.config.trained_length
    if longest is None or teaching.length <= longest:
        return teaching
    return replace(teaching, length=longest)


@dataclass(frozen=True)
class Work:
    """One conversion."""

    given: SoftmaxModel
    source: Path
    student: StudentConfig
    teaching: TeachingConfig
    files: ConversionFiles
    device: torch.device
    console: Console

    @property
    def teacher(self) -> LanguageModel:
        """The softmax model."""
        return self.given.model

    def do(self, files: Sequence[str | Path], measured: Sequence[str | Path]) -> Conversion:
        """Write or read the text, teach, measure, and write the student."""
        check_readable(*files, *measured)
        teacher = teacher_fingerprint(files_of_model(self.source))
        conversion = conversion_fingerprint(teacher, self.student, self.teaching)
        if self.files.resume.exists():  # before hours of writing
            read_resume(self.files.resume, conversion)
        others = [(Path(file).name, self.rows_of([file])) for file in measured]
        self.teacher.to(self.device)
        texts, held_out = self.texts(files, teacher[:TEACHER_DIGITS])
        calibration = texts[:CALIBRATION, :-1].long().to(self.device)
        learner = new_student(self.teacher, self.student.model(self.teacher.config), calibration)
        lecture = Lecture(learner, self.teacher, texts, self.teaching, self.student.seed)
        text = text_fingerprint(texts, held_out)
        if self.files.resume.exists():
            restore_lecture(self.files.resume, lecture, conversion, text)
            keep_log_up_to(self.files.log, lecture.done)
            self.console.print(f"going on at {lecture.tokens:,} tokens")
        else:
            self.files.log.unlink(missing_ok=True)
        finished = self.follow(lecture, held_out, conversion, text)
        with self.console.status("measure the student"):
            facts = (self.source.name, lecture.tokens, lecture.seconds)
            report = measure(learner, self.teacher, held_out, others, *facts)
        save_checkpoint(self.checkpoint(learner, report), self.files.model)
        if finished:
            self.files.resume.unlink(missing_ok=True)
        return Conversion(self.files.model, finished, report, self.given.notes)

    def texts(self, files: Sequence[str | Path], teacher: str) -> tuple[Tensor, Tensor]:
        """What is read, and what measures the student.  int32 [rows, T + 1] each.  teacher: names its samples."""
        length = self.teaching.length
        first = first_token(self.given)
        seed = self.student.seed
        self.files.samples.mkdir(exist_ok=True)
        held_out = Samples(self.files.samples, teacher, self.teaching.held_out, length, first, seed + HELD_OUT)
        rows = self.rows_to_write()
        own = Samples(self.files.samples, teacher, rows, length, first, seed)
        found = []
        with self.bar("the teacher writes") as bar:
            task = bar.add_task("", total=rows + held_out.rows)
            measured = write_samples(self.teacher, held_out, partial(show_rows, bar, task, 0))
            if rows:
                show = partial(show_rows, bar, task, held_out.rows)
                found.append(write_samples(self.teacher, own, show))
        if files:
            found.append(self.rows_of(files))
        return torch.cat(found), measured

    def rows_of(self, files: Sequence[str | Path]) -> Tensor:
        """Files of text as texts of a lesson's length, int32 [rows, T + 1]."""
        return read_rows(files, self.given.tokenizer, first_token(self.given), self.teaching.length)

    def rows_to_write(self) -> int:
        """How many texts the teacher writes to be learned from: no more than are read."""
        read = max(self.teaching.tokens, CALIBRATION * self.teaching.length)
        return -(-min(self.teaching.samples, read) // self.teaching.length)

    def follow(self, lecture: Lecture, held_out: Tensor, conversion: str, text: str) -> bool:
        """Teach with a progress bar, a log and resume points; False when stopped by Ctrl-C before the end."""
        stop = StopRequest()
        saves = SaveTimes(TrainConfig())
        few = held_out[:A_FEW]
        ratio = None
        with self.bar("") as bar, self.files.log.open("a") as lines, stop:
            task = bar.add_task("", total=PARTS, completed=round(PARTS * lecture.share))
            for lesson in lecture.lessons():
                if lesson.step % EVERY == 0:
                    ratio = compare_few(lecture, few)
                lines.write(json.dumps(as_line(lesson, ratio)) + "\n")
                bar.update(task, completed=PARTS * lesson.share, description=describe(lesson, ratio))
                if saves.due(lesson.step) or stop.requested:
                    lines.flush()
                    with saves.saving():
                        save_lecture(self.files.resume, lecture, conversion, text)
                if stop.requested and lesson.share < 1.0:
                    return False
        return True

    def checkpoint(self, learner: LanguageModel, report: Report) -> Checkpoint:
        """The student with what is known of it."""
        facts = {"converted_from": self.source.name, "conversion": report.as_table(), "torch": str(torch.__version__)}
        return Checkpoint(
            learner.cpu().eval(),
            self.given.tokenizer,
            self.teaching.length,
            facts,
            self.given.special_ids,
            self.given.sampling,
            self.given.chat_template,
        )

    def bar(self, title: str) -> Progress:
        """A bar with the time left."""
        return Progress(
            TextColumn(title),
            BarColumn(),
            TextColumn("{task.percentage:3.0f}% {task.description}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )


def show_rows(bar: Progress, task: TaskID, before: int, done: int) -> None:
    """Tell a bar how many texts are written, `before` them others."""
    bar.update(task, completed=before + done)


def first_token(given: SoftmaxModel) -> int:
    """The token that the teacher's texts begin with: the one that begins texts, or else one that ends them."""
    if given.special_ids.bos is not None:
        return given.special_ids.bos
    return min(given.special_ids.ends, default=0)


def compare_few(lecture: Lecture, texts: Tensor) -> float:
    """How many times the teacher's perplexity the student has, on a few texts."""
    return compare(lecture.student, lecture.teacher, texts).ratio


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
