"""Where the time of one call of a step graph goes, by operator, as ONNX Runtime's profiler has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rfa_bench.processes.ask import ask

OUTSIDE = "outside operators"
"""Between them: what ONNX Runtime does for each node and each call, its profiler included."""


@dataclass(frozen=True)
class OperatorRow:
    """All nodes of one operator in a call; the names are the contract of `rfa-bench operators --json`."""

    operator: str
    nodes: int
    """That run in a call."""
    ms: float
    """Of a call, mean over the middle half of the calls: so rows add up."""
    share: float
    """Of the call, from 0 to 1."""


@dataclass(frozen=True)
class OperatorPlan:
    """What is called, and how often."""

    tokens: int
    """Of each row in a call: 1 for a step, 512 for a chunk of a prompt."""
    batch: int
    threads: int
    calls: int
    by_shape: bool
    """Whether an operator's shapes are told apart."""
    provider: str = "cpu"


@dataclass(frozen=True)
class Operators:
    """What was found of one call; the names are the contract of `rfa-bench operators --json`."""

    graphs: list[str]
    """The files that the runtime took for so many tokens: usually one."""
    call_ms: float
    """Median without the profiler, the runtime's own work included."""
    profiled_ms: float
    """With it, mean over the middle half of the calls; shares are of this time."""
    rows: list[OperatorRow]
    """The longest first; what is outside of operators comes last."""


def measure(bundle: Path, plan: OperatorPlan) -> Operators:
    """Call the graph in a process for itself.  Raises ProbeError where that ends early."""
    arguments = (plan.provider, plan.tokens, plan.batch, plan.threads, plan.calls, int(plan.by_shape))
    found = ask("operator_probe", bundle, *arguments)
    whole = found["profiled_ms"]
    rows = []
    for entry in found["operators"]:
        rows.append(OperatorRow(**entry, share=entry["ms"] / whole))
    rows.sort(key=lambda row: -row.ms)
    rows.append(OperatorRow(OUTSIDE, 0, found["outside_ms"], found["outside_ms"] / whole))
    return Operators(found["graphs"], found["call_ms"], whole, rows)
