"""Fill in what docs/scale.md computes: from shapes, and from what was measured.  A test compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rfa_bench.subjects.shapes import SIZES
from rfa_bench.suite.results import read_result
from rfa_bench.tables import readable_size, table
from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.language_model_config import ModelConfig

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
PAGE = DOCS / "scale.md"
COMPUTED = re.compile(r"(<!-- computed: (\w+) -->\n).*?(<!-- end of computed -->)", re.DOTALL)
FLOAT = 4
"""Bytes."""
GB = 1_000_000_000
TEXT = 16_384
"""Tokens of a long text."""
MACHINES = 1000
READER = 10
"""Tokens a second that somebody reads."""
NETWORK = {"1 Gbit/s": 125e6, "25 Gbit/s": 3.1e9, "400 Gbit/s": 50e9}
"""Bytes a second."""
PARAMETERS = {"124 million": 124e6, "1 billion": 1e9, "7 billion": 7e9}


def main() -> None:
    """Fill in the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """The page with its tables."""
    return COMPUTED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n\n{found[3]}", text)


def states() -> str:
    """What a stream keeps: its state, and softmax's cache."""
    head = ("shape", "state of a stream", "streams in 1 GB", f"softmax's cache at {TEXT:,} tokens", "texts in 1 GB")
    lines = []
    for name, config in SIZES.items():
        state = state_bytes(config)
        cache = cache_bytes(config, TEXT)
        lines.append([name, readable_size(state), f"{GB / state:,.0f}", readable_size(cache), f"{GB / cache:,.2g}"])
    return table(head, lines, words=("shape",))


def machines() -> str:
    """What many machines like the measured one give."""
    rows = {row["system"]: row for row in read_result(RESULTS / "load-int4.json").rows}
    speed = rows["rfa-serve"]["output_throughput"]
    lines = []
    for count in (1, 10, 100, MACHINES):
        lines.append([f"{count:,}", f"{count * speed:,.0f}", f"{count * speed / READER:,.0f}"])
    return table(("machines", "tokens/s", "readers"), lines)


def wire() -> str:
    """How long the gradients of a step take to travel."""
    lines = []
    for name, parameters in PARAMETERS.items():
        moved = 2 * FLOAT * parameters * (MACHINES - 1) / MACHINES
        seconds = [in_words(moved / speed) for speed in NETWORK.values()]
        lines.append([name, readable_size(round(moved)), *seconds])
    head = ("parameters", "sent by each process", *(f"seconds at {name}" for name in NETWORK))
    return table(head, lines, words=("parameters",))


def in_words(seconds: float) -> str:
    """Two digits, and no tenths of what takes long."""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2g}"


def state_bytes(config: ModelConfig) -> int:
    """Of one stream: sums [H, K, d] and a normalizer [H, K] in every layer, in float32."""
    return sum(layer.groups * layer.features * (layer.head_dim + 1) * FLOAT for layer in attentions(config))


def cache_bytes(config: ModelConfig, tokens: int) -> int:
    """Of one text in softmax attention: a key and a value of every head in every layer, in float32."""
    return sum(2 * layer.groups * layer.head_dim * FLOAT * tokens for layer in attentions(config))


def attentions(config: ModelConfig) -> Iterator[AttentionConfig]:
    """The settings of every layer."""
    for layer in range(config.layers):
        yield config.attention_of(layer)


TABLES = {"states": states, "machines": machines, "wire": wire}
"""By the word of a mark."""


if __name__ == "__main__":
    main()
