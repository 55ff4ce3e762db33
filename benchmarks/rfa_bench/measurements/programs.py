"""The programs that write with a bundle, in Python and outside: how large, how soon, how fast, in how much memory."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median

import onnxruntime

import rfa_runtime
from rfa_bench.processes.ask import ProbeError, last_words
from rfa_runtime.memory import status_bytes

PROMPT = "Once upon a time"
FEW = 10
"""Tokens of a short text."""
REPEATS = 5
"""Starts of a program for the time to its first token."""
LOOK_S = 0.002
"""Between two looks at a process's memory."""
OPTIONAL = re.compile(r"extra\s*==")
NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Program:
    """One that writes."""

    name: str
    command: tuple[str, ...]
    """What comes before the bundle and the prompt."""
    own: tuple[Path, ...]
    """Files and folders that it brings, its language and ONNX Runtime left out."""
    onnxruntime: tuple[Path, ...]
    """ONNX Runtime's own files."""

    @property
    def missing(self) -> Path | None:
        """A file that is not there."""
        return next((path for path in (*self.own, *self.onnxruntime) if not path.exists()), None)


@dataclass(frozen=True)
class ProgramRow:
    """What one program showed; the names are the contract of `rfa-bench programs --json`."""

    program: str
    reason: str | None
    """Why there are no figures."""
    program_bytes: int | None = None
    """Of the files that it brings, its language and ONNX Runtime left out."""
    onnxruntime_bytes: int | None = None
    first_token_ms: float | None = None
    """From the start of the process to its end, for one token: median of some starts."""
    tokens: int | None = None
    """Of the long text."""
    avg_ts: float | None = None
    """Tokens a second of the long text, the start left out."""
    few_peak_rss_bytes: int | None = None
    """The most memory of a text of ten tokens."""
    peak_rss_bytes: int | None = None
    """Of the long text."""


def programs(cpp: Path, web: Path) -> list[Program]:
    """All that are known.  cpp: the build folder of the C++ runtime.  web: the folder of the browser package."""
    libraries = Path(onnxruntime.__file__).parent / "capi"
    packages = web / "node_modules"
    wasm = packages / "onnxruntime-web" / "dist"
    return [
        Program(
            "rfa-run",
            (sys.executable, "-m", "rfa_runtime.commands.run"),
            (Path(rfa_runtime.__file__).parent, *packages_of("rfa-runtime")),
            tuple(libraries.glob("*.so*")),
        ),
        Program(
            "rfa-run-cpp",
            (str(cpp / "rfa-run-cpp"),),
            (cpp / "rfa-run-cpp",),
            (cpp.parent / "onnxruntime" / "lib" / "libonnxruntime.so",),
        ),
        Program(
            "rfa-web in Node",
            ("node", str(web / "example" / "run.mjs")),
            (web / "src", packages / "@huggingface" / "tokenizers" / "dist" / "tokenizers.mjs"),
            (wasm / "ort.node.min.mjs", wasm / "ort-wasm-simd-threaded.mjs", wasm / "ort-wasm-simd-threaded.wasm"),
        ),
    ]


def measure(bundle: Path, found: Sequence[Program], tokens: int, progress: Callable[[str], None]) -> list[ProgramRow]:
    """Let each program write.  tokens: of the long text."""
    rows = []
    for program in found:
        progress(program.name)
        try:
            rows.append(row_of(program, bundle, tokens))
        except ProbeError as error:
            rows.append(ProgramRow(program.name, str(error)))
    return rows


def row_of(program: Program, bundle: Path, tokens: int) -> ProgramRow:
    """The figures of one program.  Raises ProbeError where it fails."""
    if program.missing is not None:
        return ProgramRow(program.name, f"{program.missing.name} is missing")
    starts = [seconds_of(program, bundle, 1) for _ in range(REPEATS)]
    short, few_bytes = watched(program, bundle, FEW)
    long, long_bytes = watched(program, bundle, tokens)
    return ProgramRow(
        program=program.name,
        reason=None,
        program_bytes=size_of(program.own),
        onnxruntime_bytes=size_of(program.onnxruntime),
        first_token_ms=round(1e3 * median(starts), 1),
        tokens=tokens,
        avg_ts=round((tokens - FEW) / (long - short), 1),
        few_peak_rss_bytes=few_bytes,
        peak_rss_bytes=long_bytes,
    )


def seconds_of(program: Program, bundle: Path, tokens: int) -> float:
    """How long a process lives that writes so many tokens.  Raises ProbeError."""
    return lived(program, bundle, tokens, lambda process: process.wait())


def watched(program: Program, bundle: Path, tokens: int) -> tuple[float, int]:
    """The same, and the most memory that it had."""
    most = 0

    def watch(process: subprocess.Popen[bytes]) -> None:
        nonlocal most
        while process.poll() is None:
            most = max(most, status_bytes("VmHWM", process.pid) or 0)
            time.sleep(LOOK_S)

    return lived(program, bundle, tokens, watch), most


def lived(program: Program, bundle: Path, tokens: int, until_end: Callable[[subprocess.Popen[bytes]], object]) -> float:
    """The same; until_end: waits for the process.  Raises ProbeError."""
    options = ["--max-new-tokens", str(tokens), "--ignore-eos", "--seed", "3"]
    command = [*program.command, str(bundle), PROMPT, *options]
    with tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words)
        except OSError as error:
            raise ProbeError(f"{program.name} does not start: {error}") from error
        until_end(process)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise ProbeError(f"{program.name} ended with exit code {process.returncode}: {last_words(words)}")
    return seconds


def size_of(paths: Iterable[Path]) -> int:
    """Bytes of files, and of all files in folders; what Python compiled is left out."""
    files: set[Path] = set()
    for path in paths:
        files.update(path.rglob("*") if path.is_dir() else [path])
    return sum(file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)


def packages_of(name: str) -> set[Path]:
    """Files of the packages that a package needs, its extras left out."""
    files: set[Path] = set()
    known = {name}
    waiting = [name]
    while waiting:
        try:
            installed = distribution(waiting.pop())
        except PackageNotFoundError:  # some are for other systems only
            continue
        files.update(Path(str(installed.locate_file(file))) for file in installed.files or ())
        needed = names_in(installed.requires or ())
        waiting += needed - known
        known |= needed
    return {file for file in files if file.exists()}


def names_in(requirements: Iterable[str]) -> set[str]:
    """The packages of requirements, such as `numpy>=1.26; python_version >= "3.11"`; those of extras are left out."""
    found = (NAME.match(line) for line in requirements if not OPTIONAL.search(line))
    return {match[0] for match in found if match is not None}
