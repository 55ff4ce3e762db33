"""`NAME.resume` of a conversion: where it goes on, and the proof that it is the same one.

    format        "rfa-conversion"
    conversion    fingerprint of the teacher and the settings
    text          fingerprint of what is read
    done, seconds, stage, stage_steps, model, optimizer
                  see `Lecture.state`

It is read as warily as a checkpoint (`untrusted.py`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from rfa_models.checkpoints.untrusted import read_tables
from rfa_models.checks import LARGEST_COUNT
from rfa_models.errors import CheckpointError
from rfa_models.teaching.lecture import LAYERS, LOGITS, Lecture
from rfa_models.teaching.student_config import StudentConfig, TeachingConfig
from rfa_models.training.run_files import RESTART
from rfa_models.whole_files import save_atomically
from rfa_models.wording import one_line
from rfa_runtime.bundle.files import sha256

FORMAT = "rfa-conversion"
ENTRIES: dict[str, type | tuple[type, ...]] = {
    "conversion": str,
    "text": str,
    "done": int,
    "seconds": float,
    "stage": int,
    "stage_steps": int,
    "model": dict,
    "optimizer": dict,
}


def save_lecture(path: Path, lecture: Lecture, conversion: str, text: str) -> None:
    """Write a lecture's state, whole or not at all.  Raises OSError."""
    save_atomically({"format": FORMAT, "conversion": conversion, "text": text} | lecture.state(), path)


def restore_lecture(path: Path, lecture: Lecture, conversion: str, text: str) -> None:
    """Go on where a lecture was stopped.

    Raises CheckpointError where the file is damaged, or of another conversion or text; OSError as `open` does.
    """
    table = read_resume(path, conversion)
    if table["text"] != text:
        raise CheckpointError(f"{path}: the text has changed since: restore it, or use ", RESTART)
    try:
        lecture.load_state(table)
    except Exception as error:  # a state that does not fit surfaces as RuntimeError, KeyError, ValueError, ...
        raise damaged(path, f"it does not fit the student ({one_line(error)})") from error


def read_resume(path: Path, conversion: str) -> dict[str, Any]:
    """Read a file of that conversion.  Raises CheckpointError where it is damaged or of another, OSError as `open`."""
    try:
        table = read_tables(path, FORMAT)
    except CheckpointError as error:
        raise CheckpointError(f"{error}, or use ", RESTART) from error
    for key, wanted in ENTRIES.items():
        if not isinstance(table.get(key), wanted) or isinstance(table[key], bool):
            raise damaged(path, f"its {key!r} is missing or of a wrong type")
    if table["conversion"] != conversion:
        raise CheckpointError(f"{path}: belongs to a conversion with another teacher or other settings: use ", RESTART)
    steps = (table["done"], table["stage_steps"])
    if min(steps) < 0 or max(steps) > LARGEST_COUNT or table["stage"] not in (LAYERS, LOGITS):
        raise damaged(path, f"it says {table['done']} steps, {table['stage_steps']} of them in stage {table['stage']}")
    if not 0 <= table["seconds"] < math.inf:
        raise damaged(path, f"it says {table['seconds']} seconds")
    return table


def damaged(path: Path, problem: str) -> CheckpointError:
    """The error of a file that cannot be what `save_lecture` wrote."""
    return CheckpointError(f"{path}: {problem}, the file is damaged or of another version: use ", RESTART)


def teacher_fingerprint(files: Iterable[Path]) -> str:
    """Equal for the same weights.  files: that hold them."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(sha256(file).encode())
    return digest.hexdigest()


def conversion_fingerprint(teacher: str, student: StudentConfig, teaching: TeachingConfig) -> str:
    """Equal for the same lessons by the same teacher.  teacher: its fingerprint.  Time that may pass does not count."""
    lessons = asdict(teaching)
    del lessons["minutes"]
    table = {"teacher": teacher, "student": asdict(student), "teaching": lessons}
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def text_fingerprint(*texts: Tensor) -> str:
    """Equal for the same tokens.  texts: int32 [rows, T + 1] each."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.numpy().tobytes())
    return digest.hexdigest()
