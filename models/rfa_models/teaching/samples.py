"""Text that the teacher writes itself: the only text that is surely of the kind it was trained with.

It is written in parts, each a file in a folder beside the model, so that a conversion that was stopped need not write
them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rfa_models.errors import DataError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.tasks.evaluation_mode import evaluation_mode
from rfa_runtime.bundle.whole_file import written_whole

ROWS = 64
"""Texts that are written side by side, and make one file."""
HELD_OUT = 1_000_003
"""Added to the seed of what measures the student, so that it has not read it."""


@dataclass(frozen=True)
class Samples:
    """Which texts are to be written."""

    folder: Path
    teacher: str
    """Equal for the same weights: texts of another teacher are not taken for its own."""
    rows: int
    """How many."""
    length: int
    """Tokens that can be predicted in each: it has one more."""
    first: int
    """The token that begins them."""
    seed: int

    def parts(self) -> list[Path]:
        """The files that hold them."""
        count = -(-self.rows // ROWS)
        name = f"samples-{self.teacher}-{self.first}-{self.seed}-{self.length}"
        return [self.folder / f"{name}-{part:04}.npy" for part in range(count)]


def write_samples(teacher: LanguageModel, samples: Samples, progress: Callable[[int], None]) -> Tensor:
    """Write what is not there yet, and read all.  progress: is told how many texts are there.  int32 [rows, T + 1].

    Raises DataError for a file that holds something else, OSError as the file system does.
    """
    found = []
    for number, file in enumerate(samples.parts()):
        if not file.exists():
            rng = torch.Generator().manual_seed(samples.seed * 10_000 + number)
            ids = sample(teacher, ROWS, samples.length, samples.first, rng)
            with written_whole(file) as stream:
                np.save(stream, ids.to(torch.int32).numpy())
        found.append(read_part(file, samples, teacher.config.vocab_size))
        progress(min(samples.rows, (number + 1) * ROWS))
    return torch.cat(found)[: samples.rows]


def read_part(file: Path, samples: Samples, vocab_size: int) -> Tensor:
    """One file.  int32 [ROWS, T + 1].  Raises DataError where it is none of ours."""
    try:
        ids = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(f"{file}: holds no samples ({error}): remove it, and they are written again") from error
    wanted = (ROWS, samples.length + 1)
    if not isinstance(ids, np.ndarray):  # an archive of several
        raise DataError(f"{file}: holds no samples: remove it, and they are written again")
    if ids.dtype != np.int32 or ids.shape != wanted or ids.min() < 0 or ids.max() >= vocab_size:
        raise DataError(f"{file}: holds {ids.dtype} {ids.shape}, wanted the teacher's tokens int32 {wanted}: remove it")
    return torch.from_numpy(ids)


def sample(teacher: LanguageModel, rows: int, length: int, first: int, rng: torch.Generator) -> Tensor:
    """Let a model write at temperature 1.  Returns int64 [rows, length + 1], whose first token is given.

    A text that comes to its end is followed by another, as the model sees fit.
    """
    found = [torch.full((rows, 1), first)]
    with evaluation_mode(teacher) as device:
        for logits in steps(teacher, found, length, device):
            chances = logits.float().softmax(-1).cpu()
            found.append(torch.multinomial(chances, 1, generator=rng))
    return torch.cat(found, dim=1)


def steps(teacher: LanguageModel, found: list[Tensor], length: int, device: torch.device) -> Iterator[Tensor]:
    """The logits [rows, N] after each token of a growing list, `length` times."""
    states = None
    for position in range(length):
        token = found[-1].to(device)
        positions = torch.full_like(token, position)
        logits, states = teacher.step(token, positions, None, states)
        yield logits[:, -1]
