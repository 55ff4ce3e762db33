"""Translation in CTranslate2, at the places where ours is measured.

The library translates whole texts.  What a token costs is the time of a whole target, less that of a target of one
token, which is the encoder's and the first step's, over the tokens in between.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from rfa_bench.measurements.translate import TranslationPlan, TranslationRow
from rfa_bench.processes.ask import command_of
from rfa_bench.processes.worker import Worker
from rfa_bench.subjects.ctranslate2_model import write_ctranslate2
from rfa_bench.subjects.shapes import TRANSLATORS
from rfa_models.networks.translator_config import TranslatorConfig

SYSTEM = "ctranslate2"
FLOAT_BYTES = 4
ENOUGH_SECONDS = 30.0
"""After which a target is translated no more."""


def measure(size: str, folder: Path, plan: TranslationPlan, progress: Callable[[str], None]) -> list[TranslationRow]:
    """Measure every pair of lengths.  Raises TargetError where the package is missing, ProbeError where it fails."""
    config = TRANSLATORS[size]
    model = write_ctranslate2(config, folder / SYSTEM)
    worker = Worker(command_of("ctranslate2_worker", model, plan.threads))
    rows = []
    for source in plan.sources:
        progress(f"{SYSTEM}: source of {source:,} tokens")
        first = median_seconds(worker, plan, source, 1)
        for target in plan.targets:
            progress(f"{SYSTEM}: source of {source:,} tokens, target of {target:,}")
            whole = median_seconds(worker, plan, source, target)
            ms = ms_of_a_token(first, whole, target)
            kept = cache_bytes(config, source, target, plan.batch)
            rows.append(TranslationRow(SYSTEM, source, target, plan.batch, "fp32", plan.threads, ms, kept))
    worker.end()
    return rows


def ms_of_a_token(first: float, whole: float, target: int) -> float:
    """Of a target, by its seconds and those of a target of one token, which cannot be told from the encoder's."""
    return first * 1e3 if target == 1 else (whole - first) / (target - 1) * 1e3


def median_seconds(worker: Worker, plan: TranslationPlan, source: int, target: int) -> float:
    """The time of a translation; one round warms up where that is short."""
    worker.ask(f"{plan.batch} {source} 1")
    found: list[float] = []
    while len(found) < plan.rounds and sum(found) < ENOUGH_SECONDS:
        found.append(float(worker.ask(f"{plan.batch} {source} {target}")))
    return statistics.median(found)


def cache_bytes(config: TranslatorConfig, source: int, target: int, batch: int) -> int:
    """Keys and values of source and target in every layer of the decoder."""
    numbers = 2 * config.decoder_layers * (source + target) * config.causal_attention.width
    return batch * numbers * FLOAT_BYTES
