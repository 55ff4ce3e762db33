"""Reading what ONNX Runtime's profiler wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rfa_bench.subjects.profiles import graph_of, read_profiles

Event = dict[str, Any]


def event(name: str, ts: int, dur: int, operator: str = "", sizes: tuple[int, ...] = ()) -> Event:
    shape = [{"float": list(sizes)}]
    return {
        "name": name,
        "ts": ts,
        "dur": dur,
        "args": {"op_name": operator, "input_type_shape": shape, "output_type_shape": []},
    }


def run(ts: int, products: tuple[int, int], whole: int) -> list[Event]:
    """A run with two products and a sum, in the order of the profiler: a run ends behind its nodes."""
    return [
        event("a_kernel_time", ts + 1, products[0], "MatMul", (1, 8)),
        event("b_kernel_time", ts + 2, products[1], "MatMul", (2, 8)),
        event("c_kernel_time", ts + 3, 10, "Add", (1, 8)),
        event("model_run", ts, whole),
    ]


def write(folder: Path, name: str, runs: list[list[Event]]) -> None:
    events = [event("session_initialization", 0, 5)]
    for found in runs:
        events += found
    (folder / name).write_text(json.dumps(events))


def test_runs_after_warming_up_are_counted_and_add_up(tmp_path: Path) -> None:
    write(tmp_path, "model_2026-01-02_03-04-05_678.json", [run(100, (900, 900), 5000), run(9000, (100, 200), 400)])
    found = read_profiles(tmp_path, calls=1, warm_up=1, by_shape=False)
    assert found["graphs"] == ["model.onnx"]
    assert found["profiled_ms"] == pytest.approx(0.4)
    assert found["operators"] == [
        {"operator": "MatMul", "nodes": 2, "ms": pytest.approx(0.3)},
        {"operator": "Add", "nodes": 1, "ms": pytest.approx(0.01)},
    ]
    assert found["outside_ms"] == pytest.approx(0.09)


def test_the_slowest_and_the_fastest_quarter_do_not_count(tmp_path: Path) -> None:
    wholes = (400, 9000, 420, 340)
    write(
        tmp_path, "model_d_t_1.json", [run(number * 10_000, (100, 200), whole) for number, whole in enumerate(wholes)]
    )
    assert read_profiles(tmp_path, calls=4, warm_up=0, by_shape=False)["profiled_ms"] == pytest.approx(0.41)


def test_a_call_may_take_several_runs_of_several_graphs(tmp_path: Path) -> None:
    write(tmp_path, "model_d_t_1.json", [run(number * 1000, (100, 200), 400) for number in range(2)])
    write(tmp_path, "prefill_d_t_2.json", [run(number * 1000, (100, 200), 400) for number in range(4)])
    write(tmp_path, "unused_d_t_3.json", [])
    found = read_profiles(tmp_path, calls=2, warm_up=0, by_shape=False)
    assert found["graphs"] == ["model.onnx", "prefill.onnx"]
    assert found["profiled_ms"] == pytest.approx(1.2)


def test_shapes_tell_operators_apart(tmp_path: Path) -> None:
    write(tmp_path, "model_d_t_1.json", [run(0, (100, 200), 400)])
    found = read_profiles(tmp_path, calls=1, warm_up=0, by_shape=True)
    assert [entry["operator"] for entry in found["operators"]] == ["MatMul 1x8 -> ", "MatMul 2x8 -> ", "Add 1x8 -> "]


def test_a_graph_that_did_not_run_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "model_d_t_1.json", [])
    with pytest.raises(ValueError, match="no graph ran in each of 3 calls"):
        read_profiles(tmp_path, calls=2, warm_up=1, by_shape=False)


def test_a_file_is_named_by_the_graph_with_a_time_behind_it() -> None:
    assert graph_of(Path("model.score_2026-01-02_03-04-05_678.json")) == "model.score.onnx"
