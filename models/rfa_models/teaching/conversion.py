"""A softmax model in, a model of ours on the disk out: what `rfa-convert` does, `convert_softmax` in Python.

Beside the model lie NAME.samples, what the teacher wrote, NAME.log.jsonl, one line per step, and NAME.resume while the
conversion lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from rfa_models.checkpoints.checkpoint import Checkpoint, save_checkpoint
from rfa_models.checkpoints.output import reserved_output
from rfa_models.convert.pretrained.read import files_of_model, read_softmax_model
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.teaching.course import Course
from rfa_models.teaching.files import ConversionFiles
from rfa_models.teaching.lecture import Lecture
from rfa_models.teaching.reading import CALIBRATION, Reading
from rfa_models.teaching.report import Report, finite, measure
from rfa_models.teaching.resume import (
    conversion_fingerprint,
    read_resume,
    teacher_fingerprint,
    text_fingerprint,
)
from rfa_models.teaching.student import new_student
from rfa_models.teaching.student_config import StudentConfig, TeachingConfig
from rfa_models.training.device import choose_device, set_threads, threads_that_pay
from rfa_runtime.bundle.places import check_readable

STUDENT = StudentConfig()
TEACHING = TeachingConfig()


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
            given = read_softmax_model(source, tokenizer)
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
        reading = Reading(self.given, teacher, self.teaching, self.student.seed, self.files.samples)
        others = [(Path(file).name, reading.rows_of([file])) for file in measured]
        self.teacher.to(self.device)
        texts, held_out = reading.texts(files, self.console)
        calibration = texts[:CALIBRATION, :-1].long().to(self.device)
        learner = new_student(self.teacher, self.student.model(self.teacher.config), calibration)
        lecture = Lecture(learner, self.teacher, texts, self.teaching, self.student.seed)
        course = Course(lecture, self.files, conversion, text_fingerprint(texts, held_out), self.console)
        course.begin()
        finished = course.follow(held_out)
        with self.console.status("measure the student"):
            facts = (self.source.name, lecture.tokens, lecture.seconds)
            report = measure(learner, self.teacher, held_out, others, *facts)
        save_checkpoint(self.checkpoint(learner, report), self.files.model)
        if finished:
            self.files.resume.unlink(missing_ok=True)
        return Conversion(self.files.model, finished, report, self.given.notes)

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
