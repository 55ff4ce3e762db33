"""Programs that answer as often as they are asked."""

from __future__ import annotations

import sys

import pytest

from rfa_bench.processes.ask import ProbeError, command_of
from rfa_bench.processes.worker import Worker

ECHO = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n    print(line.strip() * 2, flush=True)\n"


def test_a_worker_greets_and_answers_every_line() -> None:
    worker = Worker([sys.executable, "-c", ECHO])
    assert worker.greeting.strip() == "ready"
    assert [worker.ask(word).strip() for word in ("a", "b")] == ["aa", "bb"]
    worker.end()


def test_a_worker_may_say_a_lot_beside() -> None:
    """More than a pipe holds."""
    worker = Worker([sys.executable, "-c", "import sys\nsys.stderr.write('x' * 1_000_000)\n" + ECHO])
    assert worker.ask("a").strip() == "aa"
    worker.end()


def test_a_worker_that_ends_early_says_why() -> None:
    with pytest.raises(ProbeError, match=r"(?s)ended early: .*no bundle"):
        Worker([sys.executable, "-c", "raise SystemExit('no bundle')"])


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_is_read_at_some_speed(threads: int) -> None:
    worker = Worker(command_of("bandwidth_worker", threads, 1_000_000, 4_000_001))
    for place in (0, 1):
        assert float(worker.ask(f"{place} 2")) > 1e7
    worker.end()
