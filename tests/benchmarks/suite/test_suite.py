"""All measurements in one folder: what is run, how it goes on, and the report of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("plotly", reason="plotly is not installed: there is no page")

from rfa_bench.cli import main
from rfa_bench.parts.part import Part, measurement
from rfa_bench.suite import results as suite_results
from rfa_bench.suite.plan import FULL, QUICK, parts_of
from rfa_bench.suite.report import write_report
from rfa_bench.suite.results import command_of, read_results, run_all

MACHINE = {"processor": "abacus", "cores": 2, "system": "Linux", "python": "3.11"}


def decoded(system: str, context: int, ms: float | None, reason: str = "") -> dict[str, Any]:
    return {
        "system": system,
        "precision": "int4",
        "test": f"tg64 @ d{context}",
        "context": context,
        "threads": 2,
        "ms_per_token": ms,
        "state_bytes": 4_800_000,
        "reason": reason,
    }


ROWS = [
    decoded("rfa", 128, 4.5),
    decoded("rfa", 4096, 4.5),
    decoded("softmax", 128, 4.0),
    decoded("softmax", 4096, 12.0),
    decoded("llama.cpp", 128, None, "needs llama-cpp-python and gguf"),
]


class Runs:
    """Stands for the processes of parts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing: set[str] = set()

    def __call__(self, part: Part, limit_s: int) -> dict[str, Any]:
        self.asked.append(part.name)
        entry: dict[str, Any] = {"name": part.name, "seconds": 1.0}
        if part.name in self.failing:
            return entry | {"error": "exit code 1: out of ideas"}
        return entry | {"result": {"machine": MACHINE, "versions": {"onnxruntime": "1.32.0"}, "rows": ROWS}}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    found = Runs()
    monkeypatch.setattr(suite_results, "run_part", found)
    return found


PARTS = [measurement("decode int4", ["decode", "--keep", "somewhere"]), measurement("steady", ["steady"])]


@pytest.mark.parametrize("plan", [QUICK, FULL])
@pytest.mark.parametrize("server", [None, "a server"])
def test_every_part_has_options_that_its_command_knows(plan: str, server: str | None) -> None:
    for part in parts_of(plan, Path("models"), server):
        _, name, *words = part.arguments
        command = main.commands[name]
        command.make_context(name, list(words))
        assert ("a server" in words) == (name == "load" and server is not None)


def test_a_second_run_goes_on_where_the_first_ended(runs: Runs, tmp_path: Path) -> None:
    runs.failing = {"steady"}
    said: list[str] = []
    first = run_all(PARTS, tmp_path, 10, said.append)
    assert [result.error for result in first] == ["", "exit code 1: out of ideas"]
    runs.failing = set()
    second = run_all(PARTS, tmp_path, 10, said.append)
    assert runs.asked == ["decode int4", "steady", "steady"]
    assert [result.error for result in second] == ["", ""]
    assert "1 of 2: decode int4: done before" in said
    assert read_results(tmp_path) == second


def test_a_command_is_shown_as_a_person_writes_it() -> None:
    words = ["load", "--llama-server", "somewhere/llama-server", "--keep", "elsewhere", "--threads", "2"]
    assert command_of(measurement("load", words)) == "rfa-bench load --llama-server llama-server --threads 2"


def test_a_report_has_tables_plots_and_reasons(runs: Runs, tmp_path: Path) -> None:
    runs.failing = {"steady"}
    page = write_report(run_all(PARTS, tmp_path, 10, lambda _: None), tmp_path).read_text(encoding="utf-8")
    for words in ("abacus", "rfa-bench decode", "Not measured: exit code 1: out of ideas", "needs llama-cpp-python"):
        assert words in page
    for line in page.splitlines():
        assert 'src="http' not in line
        assert "<link" not in line
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "precision int4, threads 2, state_bytes 4.8 MB" in markdown
    assert "| softmax | tg64 @ d4096 | 4,096 | 12.0 |  |" in markdown
    assert "Not measured: exit code 1: out of ideas" in markdown
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["system"] for line in lines] == [row["system"] for row in ROWS]
    assert {line["part"] for line in lines} == {"decode int4"}
    plots = sorted(file.suffix for file in (tmp_path / "plots").iterdir())
    assert plots == [".png", ".png", ".svg", ".svg"]


def test_a_report_is_written_again_from_a_folder(runs: Runs, tmp_path: Path) -> None:
    run_all(PARTS, tmp_path, 10, lambda _: None)
    result = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "report.html").exists()


def test_a_file_that_is_no_result_is_one_line_and_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text(json.dumps([1, 2]))
    result = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert "notes.json is no result of rfa-bench all" in result.stderr.splitlines()[-1]
    assert (tmp_path / "notes.json").exists()


def test_all_writes_a_report_whatever_failed(runs: Runs, tmp_path: Path) -> None:
    runs.failing = {"load int4"}
    result = CliRunner().invoke(main, ["all", "--quick", "--output", str(tmp_path / "results")])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().endswith("not done: load int4")
    assert (tmp_path / "results" / "report.html").exists()


def test_some_parts_alone(runs: Runs, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["all", "--output", str(tmp_path), "--only", "paper,train"])
    assert result.exit_code == 0, result.output
    assert runs.asked == ["paper", "train"]
    result = CliRunner().invoke(main, ["all", "--output", str(tmp_path), "--only", "opera"])
    assert result.exit_code == 2
    assert "there is no part 'opera', wanted some of decode int4, batch int4" in result.stderr.splitlines()[-1]
