"""A child process that works on cases, and what is wrong with how a case ended."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from case import Case
from toy_bundles import environment

CHILD = Path(__file__).with_name("child.py")
SECONDS = 10.0
"""Of the processor: a case that takes more hangs."""
START = 60.0
"""Seconds of the processor to load torch and all others."""
PATIENCE = 100.0
"""Seconds on the clock: a case that waits for longer hangs, too.  The machine may be busy with other work."""
MEMORY = 1 << 30
"""Bytes that a case may take beyond what the process had: all cases are small."""
OURS = re.compile(r'File "[^"]*/(rfa_\w+/[^"]*|state_calls\.py)", line (\d+)')
ERROR = "Error: "
BEGUN = re.compile(r"[\d,]+ parameters, ")
"""A line of a training that began, and failed later."""
DATE = re.compile(r"\d+-\d+-\d+ [\d:.]+")


@dataclass(frozen=True)
class Fault:
    """What is wrong with how a case ended."""

    kind: str
    """The same for cases that show the same fault."""
    details: str


class Watched:
    """Works on one case after the other, in a child that is started again after each crash."""

    def __init__(self) -> None:
        self.sound = 0
        """Cases that the command found nothing wrong with."""
        self._child: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="rfa-fuzz-")
        self._noise = Path(self._folder.name, "noise")
        """What libraries print around Python."""

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._folder.cleanup()

    def attempt(self, case: Case) -> Fault | None:
        """Work on a case in a folder of its own.  Returns what is wrong, or None."""
        with tempfile.TemporaryDirectory(prefix="rfa-fuzz-") as folder:
            case.write(Path(folder))
            fault = self._ask(case, folder)
            lost = case.lost_files(Path(folder))
        if fault is None and lost:
            return Fault(f"lost {sorted(lost)[0]}", f"{', '.join(lost)} changed")
        return fault

    def _ask(self, case: Case, folder: str) -> Fault | None:
        child = self._running()
        before = peak_memory(child.pid)
        request = {"folder": folder, "command": case.command, "arguments": case.arguments}
        assert child.stdin is not None
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
        answer = self._read(child, processor_seconds(child.pid) + SECONDS)
        if answer is None:
            return self._ended(child)
        ending = json.loads(answer)
        self.sound += ending["exit_code"] == 0
        fault = judged(ending)
        grown = peak_memory(child.pid) - before
        noise = self._new_noise()
        if grown > MEMORY:
            self._stop()
            return fault or Fault(f"memory of {case.command}", f"{grown:,} bytes")
        if fault is None and noise:
            return Fault(f"noise {DATE.sub('', noise)[:60]}", noise)
        return fault

    def _ended(self, child: subprocess.Popen[str]) -> Fault:
        code = child.poll()
        noise = self._new_noise()
        self._stop()
        if code is None:
            return Fault("hang", f"no answer after {SECONDS} s of the processor, or {PATIENCE} s of waiting")
        return Fault(f"crash {code} {noise[:60]}", noise[-2000:])

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None:
            with self._noise.open("ab") as noise:
                self._child = started(noise)
            assert self._read(self._child, START) == "ready\n", self._new_noise()
            self._new_noise()
        return self._child

    def _read(self, child: subprocess.Popen[str], most: float) -> str | None:
        """A line of the child; None where it has ended or hangs.  most: processor time that the child may reach."""
        assert child.stdout is not None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and processor_seconds(child.pid) < most:
            ready, _, _ = select.select([child.stdout], [], [], 1.0)
            if ready:
                line = child.stdout.readline()
                if not line:
                    child.wait()
                return line or None
        return None

    def _new_noise(self) -> str:
        """What was printed around Python since the last call."""
        text = self._noise.read_bytes().decode(errors="replace")
        os.truncate(self._noise, 0)
        return text

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
        self._child = None


def started(noise: IO[bytes]) -> subprocess.Popen[str]:
    """A child, which has yet to load what it needs."""
    return subprocess.Popen(
        [sys.executable, str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=noise,
        env=environment() | {"OMP_NUM_THREADS": "1"},
        text=True,
    )


def judged(answer: dict[str, Any]) -> Fault | None:
    """What is wrong with an answer: anything but success, or exit code 2 with the reason in one line."""
    if answer["traceback"]:
        return Fault(place_of(answer["traceback"]), answer["traceback"])
    if answer["exit_code"] not in (0, 2):
        return Fault(f"exit code {answer['exit_code']}", answer["stderr"])
    lines = answer["stderr"].splitlines()
    said = [line for line in lines if not BEGUN.match(line)]
    odd = [line for line in said if answer["exit_code"] and not line.startswith(ERROR)]
    if odd or (answer["exit_code"] and not lines):
        return Fault(re.sub(r"\d+", "N", f"not one line: {odd[:1]}")[:150], answer["stderr"])
    return None


def place_of(traceback: str) -> str:
    """The error's class, and the last line of ours that it came through."""
    error = traceback.strip().splitlines()[-1].split(":")[0]
    places = OURS.findall(traceback)
    return f"{error} at {':'.join(places[-1])}" if places else error


def processor_seconds(process: int) -> float:
    """How long a process has computed so far, all threads together."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(process: int) -> int:
    """The largest resident size of a process so far, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0
