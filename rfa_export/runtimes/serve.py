"""The other side of `process.py`: answer a graph's inputs with its outputs until no more come."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from rfa_export.runtimes.frames import read_arrays, write_arrays, write_error
from rfa_export.runtimes.runtime import Run


def serve(load: Callable[[Path], Run]) -> None:
    """load: reads the graph that the command line names."""
    # Answers alone go to the pipe; what a library prints goes where errors go.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        run = load(Path(sys.argv[1]))
        while True:
            write_arrays(answers, run(read_arrays(sys.stdin.buffer)))
    except EOFError:
        return
    except Exception as error:  # runtimes raise many kinds
        write_error(answers, error)
