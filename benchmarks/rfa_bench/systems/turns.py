"""Systems in processes of their own, asked in turns.  One that is missing, or fails, is named; the others go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from rfa_bench.processes.ask import ProbeError
from rfa_bench.processes.worker import Worker
from rfa_bench.systems.subject import Subject
from rfa_bench.systems.system import System
from rfa_export.errors import ExportError

Progress = Callable[[str], None]


class Running:
    """The processes of some systems."""

    def __init__(
        self, subject: Subject, systems: Sequence[System], threads: int, provider: str, progress: Progress
    ) -> None:
        self.failures: dict[str, str] = {}
        """Why a system has no process, by its name."""
        self._workers: dict[str, Worker] = {}
        for system in systems:
            progress(f"{system.name}: load")
            reason = system.missing()
            if reason is not None:
                self.failures[system.name] = reason
                continue
            try:
                self._workers[system.name] = Worker(system.command(subject, threads, provider))
            except (ProbeError, ExportError) as error:
                self.failures[system.name] = str(error)

    def ask(self, system: str, question: str, *numbers: int) -> Any | None:
        """Ask a system.  Returns its answer; None where its process has failed, now or before."""
        worker = self._workers.get(system)
        if worker is None:
            return None
        try:
            return json.loads(worker.ask(" ".join([question, *map(str, numbers)])))
        except ProbeError as error:
            self.failures[system] = str(error)
            del self._workers[system]
            return None

    def end(self) -> None:
        """Let all processes end."""
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()
