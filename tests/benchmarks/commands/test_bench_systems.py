"""The measurements of several systems on the tiny shape: the figures are there, and of a plausible kind."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.commands.of_systems import rows_table
from rfa_bench.systems.row import Row

Bench = Callable[..., dict[str, Any]]
FEW_STEPS = ("--starts", 1, "--rounds", 1, "--burst", 2)
TINY_STATE = 4 * 4 * 64 * 33 * 4
"""Bytes of 4 layers, 4 heads, 64 features, 32 values and a normalizer."""
DIFFERENT = "rfa,softmax,concatenated,torch-eager,rfa-torch"
"""Systems that need nothing but what every test needs."""


def row(system: str, test: str, **figures: Any) -> Row:
    return Row(system, "tiny", "fp32", test, 0, 64, 512, 1, 1, **figures)


def test_decode_measures_every_system_at_every_depth(bench: Bench, twins: Path, tmp_path: Path) -> None:
    plot = tmp_path / "decode.png"
    options = ("--size", "tiny", "--depths", "8,600", *FEW_STEPS, "--systems", DIFFERENT)
    rows = bench("decode", *options, "--keep", twins, "--plot", plot)["rows"]
    assert [(r["system"], r["test"]) for r in rows] == [
        (system, test) for system in DIFFERENT.split(",") for test in ("tg2 @ d8", "tg2 @ d600")
    ]
    for entry in rows:
        assert entry["reason"] == ""
        assert entry["avg_ts"] == pytest.approx(1e3 / entry["ms_per_token"])
        cache = 2 * 4 * 128 * entry["context"] * 4
        assert entry["state_bytes"] == (TINY_STATE if entry["system"].startswith("rfa") else cache)
        assert entry["rfa_ratio"] > 0
    assert [entry["rfa_ratio"] for entry in rows[:2]] == [1, 1]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_batch_measures_texts_side_by_side(bench: Bench, twins: Path) -> None:
    options = ("--size", "tiny", "--batches", "1,3", "--depth", 8, *FEW_STEPS, "--keep", twins)
    rows = bench("batch", *options)["rows"]
    assert [(r["system"], r["batch"]) for r in rows] == [("rfa", 1), ("softmax", 1), ("rfa", 3), ("softmax", 3)]
    for entry in rows:
        assert entry["avg_ts"] == pytest.approx(entry["batch"] * 1e3 / entry["ms_per_token"])
    assert rows[2]["state_bytes"] == 3 * TINY_STATE


def test_prefill_reads_prompts_and_says_who_cannot(bench: Bench, twins: Path) -> None:
    options = ("--size", "tiny", "--lengths", "8,600", "--rounds", 2, "--keep", twins)
    rows = bench("prefill", *options, "--systems", "rfa,torch-eager,concatenated")["rows"]
    assert [r["test"] for r in rows] == ["pp8"] * 3 + ["pp600"] * 3
    for entry in rows:
        if entry["system"] == "concatenated":
            assert entry["reason"] == "reads token by token"
            assert entry["avg_ts"] is None
        else:
            assert 0.1 < entry["avg_ts"] * entry["ms_per_token"] / 1e3 < 10, "a mean and a median of two rounds"


def test_memory_is_that_of_a_process_for_itself(bench: Bench, twins: Path) -> None:
    rows = bench("memory", "--size", "tiny", "--depths", "8", "--keep", twins)["rows"]
    assert [r["system"] for r in rows] == ["rfa", "softmax"]
    for entry in rows:
        assert entry["peak_rss_bytes"] > 10_000_000
        assert entry["ms_per_token"] is None


@pytest.mark.skipif(find_spec("llama_cpp") is not None, reason="llama-cpp-python is installed")
def test_a_system_that_is_missing_is_named_and_the_others_go_on(bench: Bench, twins: Path) -> None:
    options = ("--size", "tiny", "--depths", "8", *FEW_STEPS, "--keep", twins, "--systems", "llama.cpp,rfa")
    missing, measured = bench("decode", *options)["rows"]
    assert missing["reason"] == "needs llama-cpp-python and gguf"
    assert measured["avg_ts"] > 0


def test_systems_says_who_is_here(bench: Bench) -> None:
    found = {entry["name"]: entry["missing"] for entry in bench("systems")["rows"]}
    assert found["rfa"] is None
    assert (found["llama.cpp"] is None) == (find_spec("llama_cpp") is not None)


def test_a_number_of_random_vectors_is_that_of_the_model(bench: Bench, twins: Path) -> None:
    options = ("--size", "tiny", "--vectors", 16, "--depths", "8", *FEW_STEPS, "--keep", twins, "--systems", "rfa")
    (entry,) = bench("decode", *options)["rows"]
    assert entry["model"] == "tiny, 16 vectors"
    assert entry["state_bytes"] == TINY_STATE / 2


def test_the_table_has_a_line_per_row_and_reasons_below() -> None:
    rows = [
        row("rfa", "tg64 @ d512", avg_ts=1000.0, stddev_ts=20.0, ms_per_token=1.0, rfa_ratio=1.0, roofline_share=0.5),
        row("llama.cpp", "tg64 @ d512", reason="needs llama-cpp-python"),
    ]
    assert rows_table(rows).splitlines()[2:] == [
        "| rfa | fp32 | tg64 @ d512 | 1 | 1,000.0 ± 20.0 | 1.000 | 1.000 | 0.50 |  |  |",
        "",
        "llama.cpp, tg64 @ d512: needs llama-cpp-python",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--depths", "few"], "wanted numbers above zero such as 128,512"),
        (["--depths", "0,5"], "'0,5' came"),
        (["--checkpoint", "model.pt"], "go together"),
        (["--checkpoint", "absent.pt", "--bundle", "absent.rfa"], "absent.pt"),
        (["--block-size", "64"], "fp32 weights have no blocks"),
        (["--systems", "rfa,hal"], "there is no system 'hal', wanted all or some of rfa, softmax"),
    ],
)
def test_bad_requests_are_one_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, ["decode", *arguments])
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output
