"""A worker that shouts, and files of lines to give it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import PromptError
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.line_files.convert import LineReport, convert_lines


class Loud:
    """Gives every line in capitals, remembers its batches, and stops where it is told to."""

    def __init__(self, stop_at: str | None = None, error: BaseException | None = None) -> None:
        self.batches: list[list[str]] = []
        self.stop_at, self.error = stop_at, error

    @property
    def worker(self) -> Worker[str, str]:
        return Worker(self.check, self.work)

    def check(self, line: str) -> None:
        if not line:
            raise PromptError("the line is empty")
        if "?" in line:
            raise PromptError("the line has characters that the model does not know")
        if len(line) > 1000:
            raise PromptError(f"the line has {len(line)} characters, at most 1000 are read")

    def work(self, lines: list[str]) -> Sequence[str]:
        self.batches.append(lines)
        if self.error is not None and self.stop_at in lines:
            raise self.error
        return [line.upper() for line in lines]


def sidecar(target: Path) -> Path:
    return target.with_name(target.name + ".progress")


def convert(files: tuple[Path, Path], bundle: Bundle, loud: Loud | None = None, **options: Any) -> LineReport:
    settings = {"settings": {}, "batch": 2} | options
    return convert_lines(*files, (loud or Loud()).worker, bundle, **settings)
