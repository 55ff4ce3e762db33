"""`rfa-bench` end to end on the tiny shape: the figures are there, and of a plausible kind."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.commands import classification
from rfa_bench.commands.classification import Row
from rfa_bench.subjects.handwritten import write_step_graph
from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_bench.subjects.twins import SIZES, export_twins


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twins")
    export_twins(SIZES["tiny"], folder)
    return folder


def bench(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert set(table["machine"]) == {"processor", "cores", "system", "python"}
    assert table["versions"]["onnxruntime"]
    return table


def test_latency_measures_both_systems_at_every_context(twins: Path, tmp_path: Path) -> None:
    plot = tmp_path / "latency.png"
    options = ("--size", "tiny", "--contexts", "8,600", "--rounds", 1, "--burst", 2, "--keep", twins, "--plot", plot)
    rows = bench("latency", *options)["rows"]
    assert [(r["system"], r["context"]) for r in rows] == [(s, c) for s in ("rfa", "softmax") for c in (8, 600)]
    for entry in rows:
        assert (entry["batch"], entry["precision"], entry["threads"]) == (1, "fp32", 1)
        assert entry["ms_per_token"] > 0
        assert entry["peak_rss_bytes"] > 10_000_000
    rfa, cache = rows[:2], rows[2:]
    assert [r["state_bytes"] for r in rfa] == [4 * 4 * 64 * 33 * 4] * 2
    assert [r["state_bytes"] for r in cache] == [2 * 4 * 4 * c * 32 * 4 for c in (8, 600)]
    assert plot.exists()


def test_overhead_gives_a_ratio_and_the_cost_of_the_loop(twins: Path) -> None:
    found = bench("overhead", "--size", "tiny", "--rounds", 2, "--burst", 5, "--keep", twins)
    assert found["graph_ratio"] > 0
    assert found["loop_us"] > 0


def test_steady_gives_time_and_memory_at_both_ends(twins: Path) -> None:
    found = bench("steady", twins / "rfa-fp32.rfa", "--tokens", 400)
    assert found["tokens"] == 400
    assert min(found["first_ms"], found["last_ms"]) > 0
    assert found["rss_highest"] >= max(found["rss_after_warm_up"], found["rss_at_end"]) > 10_000_000


def test_growth_measures_every_length(tmp_path: Path) -> None:
    found = bench("growth", "--longest", 4096, "--plot", tmp_path / "growth.png")
    for name in ("no gate", "gate"):
        assert [row["length"] for row in found[name]] == [1024, 2048, 4096]
        assert all(row["seconds"] > 0 and row["bytes"] > 0 for row in found[name])


def test_hand_written_graph_has_the_operators_of_the_exported_one(twins: Path, tmp_path: Path) -> None:
    write_step_graph(SIZES["tiny"], tmp_path / "hand.onnx")
    hand, exported = (
        Counter(node.op_type for node in onnx.load(file, load_external_data=False).graph.node)
        for file in (tmp_path / "hand.onnx", twins / "rfa-fp32.rfa" / "model.onnx")
    )
    views = ("Reshape", "Unsqueeze")
    assert {k: n for k, n in hand.items() if k not in views} == {k: n for k, n in exported.items() if k not in views}
    assert sum(hand[k] for k in views) == sum(exported[k] for k in views)


def test_random_models_have_a_tokenizer_of_exactly_their_size() -> None:
    tokenizer = pair_tokenizer(50257)
    assert tokenizer.get_vocab_size() == 50257
    assert tokenizer.decode(tokenizer.encode("héllo wörld").ids) == "héllo wörld"
    with pytest.raises(ValueError, match="wanted 256 to"):
        pair_tokenizer(255)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["latency", "--contexts", "few"], "wanted numbers above zero such as 128,512"),
        (["latency", "--contexts", "0,5"], "'0,5' came"),
        (["latency", "--checkpoint", "model.pt"], "go together"),
        (["latency", "--checkpoint", "absent.pt", "--bundle", "absent.rfa"], "absent.pt"),
        (["steady", "absent.rfa"], "absent.rfa does not exist"),
    ],
)
def test_bad_requests_are_one_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


def test_translation_measures_both_systems_at_every_pair_of_lengths(tmp_path: Path) -> None:
    plot = tmp_path / "translation.png"
    lengths = ("--sources", "5,40", "--targets", "4,30", "--batch", 2)
    options = ("--size", "tiny", "--rounds", 1, "--burst", 2, "--keep", tmp_path / "twins", "--plot", plot)
    rows = bench("translation", *lengths, *options)["rows"]
    found = {(r["system"], r["source"], r["target"]): r for r in rows}
    assert set(found) == {(s, m, t) for s in ("rfa", "softmax") for m in (5, 40) for t in (4, 30)}
    assert all(r["batch"] == 2 and r["ms_per_token"] > 0 for r in rows)
    assert {r["state_bytes"] for r in rows if r["system"] == "rfa"} == {2 * 2 * 2 * 2 * 64 * 33 * 4}, "at any length"
    assert [found["softmax", m, 4]["state_bytes"] for m in (5, 40)] == [
        2 * (2 * 2 * 2 * (4 + m) * 32 * 4 + m * 4) for m in (5, 40)
    ]
    assert plot.exists()


def test_classification_measures_every_system_at_every_length(tmp_path: Path) -> None:
    plot = tmp_path / "classification.png"
    options = ("--size", "tiny", "--lengths", "64,4096", "--rounds", 1, "--keep", tmp_path / "twins", "--plot", plot)
    rows = bench("classification", *options)["rows"]
    systems = ("rfa", "softmax", "softmax, no mask")
    assert [(r["system"], r["bytes"]) for r in rows] == [(s, n) for n in (64, 4096) for s in systems]
    assert all(r["ms"] > 0 and r["peak_rss_bytes"] > 10_000_000 for r in rows)
    needed = {r["system"]: r["call_bytes"] for r in rows if r["bytes"] == 4096}
    assert needed["softmax"] > 2 * 4096**2 * 4, "two heads' whole matrices of scores"
    assert max(needed["rfa"], needed["softmax, no mask"]) < needed["softmax"] / 2
    assert plot.exists()


def test_a_text_that_memory_cannot_hold_is_a_row_and_no_error() -> None:
    rows = [Row("softmax", 64, 1, 2.0, 10**8, 10**6), Row("softmax", 128, 1, None, None, None)]
    assert classification.table(rows).splitlines()[3] == "| 128 | out of memory | out of memory | out of memory |"
    assert math.isnan(classification.exponent(rows, "ms"))


def test_an_export_is_measured_as_a_user_runs_it(tmp_path: Path) -> None:
    found = bench("export", "--size", "tiny", "--precision", "int4", "--keep", tmp_path)
    assert found["model_bytes"] == 4 * found["parameters"] > found["bundle_bytes"]
    assert found["memory_ratio"] == found["peak_rss_bytes"] / found["model_bytes"]
    assert found["seconds"] > 1
    assert (tmp_path / "model.rfa" / "manifest.json").exists()


def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", "--size", "tiny", "--target", "abacus", "--keep", str(tmp_path)])
    assert result.exit_code == 2
    assert "exit code 2: Error: target 'abacus' came" in result.stderr
