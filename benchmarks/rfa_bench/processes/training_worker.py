"""A worker that holds one system in training, and times a step when it is asked to.

A line `length` on standard input is answered by the seconds of a step on a text of that many tokens, and the most
memory that the process has used until then, in bytes.
"""

from __future__ import annotations

import json
import sys

import torch

from rfa_bench.subjects.training_step import TrainingStep
from rfa_runtime.memory import peak_rss_bytes

SHORT = 128
"""Tokens of a first step: the optimizer's moments are made, libraries load and allocate."""


def main() -> None:
    """Arguments: size, system, precision, 1 to compile or 0, threads."""
    size, system, precision, compiled, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    step = TrainingStep(size, system, precision, compiled == "1")
    step.time(SHORT)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = step.time(int(line))
        print(json.dumps({"seconds": seconds, "peak_rss_bytes": peak_rss_bytes()}), flush=True)


if __name__ == "__main__":
    main()
