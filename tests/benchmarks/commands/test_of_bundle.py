"""Which bundle a measurement takes: the user's, random weights of a shape, or the storyteller; never two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main

Bench = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["company", "model.rfa", "--size", "tiny"], "BUNDLE and --size came, wanted one of them"),
        (["load", "--llama-server", "llama-server"], "--llama-server came without --size"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_loaded(words: list[str], reason: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert reason in result.stderr.splitlines()[-1]


def test_without_a_bundle_the_storyteller_is_measured(bench: Bench) -> None:
    found = bench("speculation", "--prompts", 2, "--new-tokens", 8)
    assert (found["prompts"], found["tokens"]) == (2, 16)


def test_random_weights_of_a_shape_are_kept(bench: Bench, twins: Path) -> None:
    found = bench("operators", "--size", "tiny", "--keep", twins, "--calls", 2)
    assert found["precision"] == "fp32"


def test_the_precision_of_a_bundle_is_not_guessed(bench: Bench) -> None:
    """The storyteller has weights of 8 bits, which no manifest says."""
    found = bench("operators", "--calls", 2)
    assert found["precision"] is None
    assert found["call_ms"] > 0
