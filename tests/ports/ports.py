"""Runtimes outside Python, asked in one way."""

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes import Probe


@dataclass(frozen=True)
class Wrote:
    """A text."""

    token_ids: list[int]
    text: str
    finish_reason: str


class Port(ABC):
    """A runtime."""

    @abstractmethod
    def write(
        self, bundle: Path, prompt: str, load: Path | None = None, save: Path | None = None, **settings: Any
    ) -> Wrote:
        """Continue a prompt.  load: a state to go on from.  save: where the state goes.  settings: as in Python."""


class Cpp(Port):
    """The command of the C++ runtime."""

    def __init__(self, *command: str | Path) -> None:
        self._command = command

    def write(
        self, bundle: Path, prompt: str, load: Path | None = None, save: Path | None = None, **settings: Any
    ) -> Wrote:
        words: list[object] = [*self._command, bundle, *([prompt] if prompt else []), "--json"]
        for name, value in {"load_state": load, "save_state": save, **settings}.items():
            if value is not None:
                words += self._option(name, value)
        found = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
        table = json.loads(found.stdout)
        return Wrote(table["token_ids"], table["text"], table["finish_reason"])

    @staticmethod
    def _option(name: str, value: Any) -> list[object]:
        option = "--" + name.replace("_", "-")
        if value is True:
            return [option]
        if isinstance(value, list):
            return [word for one in value for word in (option, one)]
        return [option, value]


class Web(Port):
    """The browser package under Node."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._bundle: Path | None = None

    def write(
        self, bundle: Path, prompt: str, load: Path | None = None, save: Path | None = None, **settings: Any
    ) -> Wrote:
        if bundle != self._bundle:
            self._probe.ask("bundle", folder=str(bundle))
            self._bundle = bundle
        files = {name: str(path) for name, path in {"load": load, "save": save}.items() if path is not None}
        return Wrote(**self._probe.ask("write", prompt=prompt, settings=settings, **files))
