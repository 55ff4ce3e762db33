"""Measure two checkouts in turns: every round gives a ratio of two bursts that stood side by side.

Each checkout exports its own bundles and runs them with its own runtime, in processes for themselves.  Whoever is first
in a round is second in the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rfa_bench.checkouts.checkout import Checkout
from rfa_bench.checkouts.plan import MODELS, Case, Plan
from rfa_bench.checkouts.results import AFTER, BEFORE, CompareRow, Found, MemoryRow, memory_row, rows_of
from rfa_bench.processes.ask import answer_of
from rfa_bench.processes.worker import Worker
from rfa_export.targets.export_config import ExportConfig

Progress = Callable[[str], None]
Pair = dict[str, Worker]
"""A worker of each checkout."""


def in_all_settings(
    checkouts: dict[str, Checkout], plan: Plan, folder: Path, progress: Progress
) -> tuple[list[CompareRow], list[MemoryRow]]:
    """Measure every case in every precision and number of threads.

    checkouts: BEFORE and AFTER.  folder: where bundles are kept, by the code that wrote them.

    Raises ProbeError where a process ends early, CheckoutError where it ran with other code.
    """
    rows = []
    memory = []
    for weights in plan.weights:
        for model in MODELS:
            cases = plan.cases_of(model)
            if not cases:
                continue
            bundles = {}
            for name, checkout in checkouts.items():
                progress(f"{weights.label}: export a {model} model with the code of {name}")
                bundles[name] = exported(checkout, model, plan.size_of(model), weights, folder)
            for threads in plan.threads:
                title = f"{model}, {weights.label}, {threads} thread(s)"
                found = in_turns(checkouts, bundles, threads, cases, plan, title, progress)
                rows += rows_of(found, weights.label, threads)
                memory.append(memory_row(found, model, weights.label, threads))
    return rows, memory


def exported(checkout: Checkout, model: str, size: str, weights: ExportConfig, folder: Path) -> Path:
    """Export a model with a checkout's own exporter.  Returns its bundle; one that is there is used again."""
    home = folder / checkout.fingerprint
    home.mkdir(exist_ok=True)
    bundle = home / f"{model}-{size}-{weights.label}.rfa"
    if not bundle.exists():
        options = json.dumps(settings_of(weights))
        command = checkout.command("exporter", model, size, bundle, options)
        answer = answer_of(command, checkout.environment, "the exporter")
        checkout.check_origin(answer["package"])
    return bundle


def settings_of(weights: ExportConfig) -> dict[str, object]:
    """What an export of these weights is asked for; a checkout that does not know a setting leaves it out."""
    return {"precision": weights.precision, "block_size": weights.block_size, "throughput": weights.throughput}


def in_turns(
    checkouts: dict[str, Checkout],
    bundles: dict[str, Path],
    threads: int,
    cases: list[Case],
    plan: Plan,
    title: str,
    progress: Progress,
) -> Found:
    """Start a worker of each checkout some times, and let them take turns on every case."""
    found = Found(cases)
    for start in range(1, plan.starts + 1):
        pair = {}
        for name, checkout in checkouts.items():
            pair[name] = started(checkout, bundles[name], threads, plan.context)
        for turn in range(plan.rounds + 1):
            for case in cases:
                progress(f"{title}: start {start} of {plan.starts}, round {turn} of {plan.rounds}, {case.label}")
                answers = ask_both(pair, case, after_first=(start + turn) % 2 == 1)
                if turn > 0:  # the first round prepares and warms up
                    found.add(case, answers)
        peaks = {}
        for name, worker in pair.items():
            peaks[name] = question(worker, {"test": "memory"})["bytes"]
            worker.end()
        found.peaks.append(peaks)
    return found


def started(checkout: Checkout, bundle: Path, threads: int, context: int) -> Worker:
    """A worker with a checkout's runtime."""
    worker = Worker(checkout.command("worker", bundle, threads, context), checkout.environment)
    checkout.check_origin(json.loads(worker.greeting)["package"])
    return worker


def ask_both(pair: Pair, case: Case, after_first: bool) -> dict[str, Any]:
    """Let both measure a case, one right behind the other.  Returns their answers."""
    names = (AFTER, BEFORE) if after_first else (BEFORE, AFTER)
    answers = {}
    for name in names:
        answers[name] = question(pair[name], {"test": case.name, "count": case.count})
    return answers


def question(worker: Worker, asked: dict[str, Any]) -> Any:
    """Ask a worker in JSON."""
    return json.loads(worker.ask(json.dumps(asked)))
