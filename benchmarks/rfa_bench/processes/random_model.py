"""A program that writes a checkpoint of a named shape with random weights, and prints how many parameters it has."""

from __future__ import annotations

import sys
from pathlib import Path

from rfa_bench.subjects.language_twins import random_checkpoint
from rfa_bench.subjects.shapes import SIZES
from rfa_models.checkpoints.checkpoint import save_checkpoint


def main() -> None:
    """Arguments: size, file."""
    checkpoint = random_checkpoint(SIZES[sys.argv[1]])
    save_checkpoint(checkpoint, Path(sys.argv[2]))
    print(sum(parameter.numel() for parameter in checkpoint.model.parameters()))


if __name__ == "__main__":
    main()
