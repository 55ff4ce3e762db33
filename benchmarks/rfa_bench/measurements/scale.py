"""One machine's cores as one process and as several: training a model, and answering a file of lines."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rfa_bench.processes.ask import LAST_WORDS, ProbeError
from rfa_runtime.bundle.bundle import shipped_bundle

RECIPE = """
[model]
layers = 4
mlp_width = 1024

[model.attention]
gate = true
heads = 4
head_dim = 64

[data]
train = ["pydoc"]
valid_fraction = 0.01

[tokenizer]
kind = "byte"

[train]
steps = {steps}
batch_size = 16
segment_length = 256
evaluate_every = {steps}
checkpoint_every = {steps}
checkpoint_seconds = 1000
"""
"""Four million weights: as large as a model that a laptop trains."""
WARM_UP = 5
"""Steps that do not count."""
PROMPTS = ("Once upon a time there was a little dog", "Tom had a red ball", "The sun was warm", "Lily went to the park")
NEW_TOKENS = 48
SHARDS = 16


@dataclass(frozen=True)
class ScaleRow:
    """What some processes did together; the names are the contract of `rfa-bench scale --json`."""

    work: str
    """`training` or `lines`."""
    processes: int
    threads: int
    """Of each process."""
    per_s: float
    """Tokens trained on a second, or lines answered a second: median of the rounds."""
    ratio: float
    """To one process, median of the rounds."""


@dataclass(frozen=True)
class Setting:
    """How many processes share the cores."""

    processes: int
    threads: int


def measure(
    processes: Sequence[int],
    cores: int,
    steps: int,
    lines: int,
    rounds: int,
    folder: Path,
    progress: Callable[[str], None],
) -> list[ScaleRow]:
    """Let each number of processes do both, in turns.  cores: shared by the processes."""
    settings = [Setting(count, max(1, cores // count)) for count in processes]
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(steps=steps), encoding="utf-8")
    source = folder / "lines.txt"
    source.write_text("".join(f"{PROMPTS[number % len(PROMPTS)]}\n" for number in range(lines)), encoding="utf-8")
    rows = in_turns("training", settings, rounds, lambda setting: tokens_per_s(recipe, setting), progress)
    return rows + in_turns("lines", settings, rounds, lambda setting: lines_per_s(source, lines, setting), progress)


def in_turns(
    work: str,
    settings: Sequence[Setting],
    rounds: int,
    speed: Callable[[Setting], float],
    progress: Callable[[str], None],
) -> list[ScaleRow]:
    """Measure each setting once in every round."""
    speeds: dict[Setting, list[float]] = {setting: [] for setting in settings}
    for number in range(rounds):
        for setting in settings:
            progress(f"{work}, {setting.processes} process(es), round {number + 1} of {rounds}")
            speeds[setting].append(speed(setting))
    first = speeds[settings[0]]
    rows = []
    for setting in settings:
        ratios = [mine / one for mine, one in zip(speeds[setting], first, strict=True)]
        found = median(speeds[setting])
        rows.append(ScaleRow(work, setting.processes, setting.threads, round(found, 1), round(median(ratios), 3)))
    return rows


def tokens_per_s(recipe: Path, setting: Setting) -> float:
    """The speed of rfa-train, its first steps left out.  Raises ProbeError."""
    model = recipe.with_name("model.pt")
    command = [sys.executable, "-m", "rfa_models.commands.train", str(recipe), "-o", str(model), "--overwrite"]
    run_all([[*command, "--processes", str(setting.processes), "--threads", str(setting.threads), "--device", "cpu"]])
    log = model.with_name(f"{model.name}.log.jsonl")
    speeds = [json.loads(line)["tokens_per_s"] for line in log.read_text().splitlines()]
    for file in model.parent.glob(f"{model.name}*"):
        file.unlink()
    return float(median(speeds[WARM_UP:]))


def lines_per_s(source: Path, lines: int, setting: Setting) -> float:
    """The speed of rfa-run's processes, from their start to the end of the last.  Raises ProbeError."""
    answers = source.with_name(f"answers-{time.monotonic_ns()}")
    command = [sys.executable, "-m", "rfa_runtime.commands.run", str(shipped_bundle()), "--input", str(source)]
    command += ["--output", str(answers), "--shards", str(SHARDS), "--threads", str(setting.threads)]
    command += ["--max-new-tokens", str(NEW_TOKENS), "--seed", "3", "--ignore-eos"]
    started = time.perf_counter()
    run_all([command] * setting.processes)
    return lines / (time.perf_counter() - started)


def run_all(commands: Sequence[Sequence[str]]) -> None:
    """Run some commands at once, and wait for all.  Raises ProbeError for one that fails."""
    running = []
    for command in commands:
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    for process in running:
        _, said = process.communicate()
        if process.returncode:
            raise ProbeError(f"a process ended with exit code {process.returncode}: {said.strip()[-LAST_WORDS:]}")
