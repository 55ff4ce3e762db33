"""What ONNX Runtime's profiler writes: events with microseconds, a file for each session.

A run of a graph is an event `model_run`, and each of its nodes one that lies in the same time.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUN = "model_run"
KERNEL = "_kernel_time"
Event = dict[str, Any]


@dataclass
class Call:
    """One call of the runtime: usually one run of one graph.  Times are in microseconds."""

    whole: int = 0
    """Of all its runs."""
    times: Counter[str] = field(default_factory=Counter)
    """By operator."""
    nodes: Counter[str] = field(default_factory=Counter)
    """How many ran, by operator."""

    def add(self, run: Event, nodes: Sequence[Event], by_shape: bool) -> None:
        """Add a run and the nodes that ran in it."""
        self.whole += run["dur"]
        for node in nodes:
            name = name_of(node, by_shape)
            self.times[name] += node["dur"]
            self.nodes[name] += 1


def read_profiles(folder: Path, calls: int, warm_up: int, by_shape: bool) -> dict[str, Any]:
    """Read what sessions wrote while the runtime was called some times.

    calls: that count, after `warm_up` others.  by_shape: tell an operator's shapes apart.  Returns the files of the
    graphs that ran, milliseconds in ONNX Runtime of a call, those of them outside of all operators, and for each
    operator its name, nodes and milliseconds in a call.  All are means over the middle half of the calls.

    Raises ValueError where no graph ran in every call, equally often.
    """
    found = [Call() for _ in range(calls)]
    graphs = []
    for file in sorted(folder.glob("*.json")):
        events = json.loads(file.read_text(encoding="utf-8"))
        runs = [event for event in events if event["name"] == RUN]
        per_call, left = divmod(len(runs), warm_up + calls)
        if per_call == 0 or left:
            continue
        graphs.append(graph_of(file))
        counted = runs[warm_up * per_call :]
        for number, run in enumerate(counted):
            found[number // per_call].add(run, nodes_of(run, events), by_shape)
    if not graphs:
        raise ValueError(f"no graph ran in each of {warm_up + calls} calls")
    return {"graphs": graphs} | figures_of(found)


def graph_of(file: Path) -> str:
    """The name of the graph that a profile is of: ONNX Runtime puts `_DATE_TIME_NUMBER.json` behind its stem."""
    return file.name.rsplit("_", 3)[0] + ".onnx"


def figures_of(calls: Sequence[Call]) -> dict[str, Any]:
    """Means over the middle half of some calls by their time, in milliseconds."""
    middle = middle_half(calls)
    whole = statistics.fmean(call.whole for call in middle) / 1e3
    operators = []
    for name, nodes in calls[0].nodes.items():
        ms = statistics.fmean(call.times[name] for call in middle) / 1e3
        operators.append({"operator": name, "nodes": nodes, "ms": ms})
    inside = statistics.fmean(call.times.total() for call in middle) / 1e3
    return {"profiled_ms": whole, "outside_ms": whole - inside, "operators": operators}


def middle_half(calls: Sequence[Call]) -> list[Call]:
    """The calls that took neither least nor most: a quarter goes at each end.

    Medians of parts do not add up to the median of the whole; means do, and without the ends they stand as still.
    """
    in_order = sorted(calls, key=lambda call: call.whole)
    cut = len(calls) // 4
    return in_order[cut : len(calls) - cut]


def nodes_of(run: Event, events: Sequence[Event]) -> list[Event]:
    """The nodes that ran in a run."""
    start = run["ts"]
    end = start + run["dur"]
    found = []
    for event in events:
        if event["name"].endswith(KERNEL) and start <= event["ts"] < end:
            found.append(event)
    return found


def name_of(node: Event, by_shape: bool) -> str:
    """The operator of a node; with shapes, those of its first input and its first output, such as 1x1x768."""
    facts = node["args"]
    name: str = facts["op_name"]
    if not by_shape:
        return name
    return f"{name} {first_shape(facts['input_type_shape'])} -> {first_shape(facts['output_type_shape'])}"


def first_shape(values: Sequence[dict[str, list[int]]]) -> str:
    """The shape of the first of some values, such as 1x1x768; nothing where there is none."""
    for value in values:
        for sizes in value.values():
            return "x".join(map(str, sizes))
    return ""
