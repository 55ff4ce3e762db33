"""`rfa-bench gpu`: one file with what every part found, whatever became of it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.commands.gpu import chosen
from rfa_bench.gpu.parts import EXPORT, all_parts
from rfa_bench.gpu.report import run_parts
from rfa_bench.gpu.tests import results
from rfa_bench.parts.part import Part
from rfa_runtime.errors import OptionError

SHIPPED = ("placement shipped", "captured shipped", "prompts shipped")
REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="good"/>
<testcase classname="tests.a" name="bad"><failure message="not equal">...</failure></testcase>
<testcase classname="tests.a" name="broken"><error message="no device">...</error></testcase>
<testcase classname="tests.a" name="left out"><skipped message="no CUDA">...</skipped></testcase>
</testsuite></testsuites>"""


class Program(Part):
    """A part that is a line of Python."""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", *self.arguments]


def program(name: str, line: str) -> Part:
    return Program(name, (line,))


PROGRAMS = [
    program("good", "print('{\"figure\": 1}')"),
    program("failing", "raise SystemExit('no such device')"),
    program("crashing", "import os; os.abort()"),
    program("mute", "print('words')"),
    program("slow", "import time; time.sleep(60)"),
    program("last", "print('{\"figure\": 2}')"),
]


def test_a_part_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    run_parts(PROGRAMS, {"provider": "cpu"}, file, limit_s=2, progress=lambda _: None)
    report = json.loads(file.read_text())
    assert report["provider"] == "cpu"
    assert report["machine"]["cores"] >= 1
    found = {part["name"]: part.get("result", part.get("error")) for part in report["parts"]}
    assert found == {
        "good": {"figure": 1},
        "failing": "exit code 1: no such device",
        "crashing": "exit code -6: ",
        "mute": "printed no JSON: words",
        "slow": "not done after 2 s",
        "last": {"figure": 2},
    }


def test_a_part_that_is_ended_leaves_nobody_behind(tmp_path: Path) -> None:
    """A worker that goes on would hold the GPU."""
    note = tmp_path / "worker"
    worker = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    line = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}])"
    run_parts([program("slow", line)], {}, tmp_path / "gpu.json", limit_s=5, progress=lambda _: None)
    process = Path("/proc", note.read_text(), "stat")
    deadline = time.monotonic() + 10
    while process.exists() and process.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_was_found_is_kept_when_the_run_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"

    def stop_at_the_second(words: str) -> None:
        if words.startswith("2 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_parts(PROGRAMS, {}, file, limit_s=10, progress=stop_at_the_second)
    assert [part["name"] for part in json.loads(file.read_text())["parts"]] == ["good"]


def test_the_script_runs_on_the_processor(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    options = ["--provider", "cpu", "--size", "tiny", "--only", ",".join(SHIPPED), "--json", "-o", str(file)]
    result = CliRunner().invoke(main, ["gpu", *options])
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_text())
    assert json.loads(result.stdout) == report
    placement, captured, prompts = [part["result"] for part in report["parts"]]
    assert placement["operators"]["CPUExecutionProvider"]["LinearAttention"] == 10  # two for each layer
    runtime, resident, replayed, faulty = captured["rows"]
    for row in (runtime, resident, replayed):
        assert (row["tokens_equal"], row["logit_difference"]) == (row["tokens"], 0)
    assert faulty["logit_difference"] > 0.1, "a state that is one token ahead is seen"
    assert [row["tokens"] for row in prompts["rows"]] == [128, 512, 2048, 8192]


def test_a_part_that_is_not_there_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["gpu", "-o", str(tmp_path / "gpu.json"), "--only", "speed"])
    assert result.exit_code == 2
    assert "wanted some of" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_that_is_not_there_is_found_before_anything_runs(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["gpu", "-o", str(tmp_path / "absent" / "gpu.json")])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_parts_bring_what_they_need() -> None:
    parts = all_parts("tiny", "cuda", Path("bundles"))
    assert chosen(parts, None) == parts
    assert [part.name for part in chosen(parts, "placement fp16")] == [EXPORT, "placement fp16"]
    assert [part.name for part in chosen(parts, "tests, captured shipped")] == ["tests", "captured shipped"]
    with pytest.raises(OptionError, match="'tests,speed'"):
        chosen(parts, "tests,speed")


@pytest.mark.parametrize("size", ["tiny", "gpt2-small"])
def test_every_measurement_part_has_options_that_its_command_knows(size: str) -> None:
    parts = [part for part in all_parts(size, "cuda", Path("bundles")) if part.arguments[0] == "rfa_bench.cli"]
    assert {part.kind for part in parts} >= {"decode", "steady", "overhead", "translate", "classify", "growth"}
    for part in parts:
        name, *options = part.arguments[1:]
        command = main.commands[name]
        command.make_context(name, options)


def test_what_pytest_says_becomes_numbers_and_reasons(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text(REPORT)
    assert results(file) == {
        "passed": 1,
        "failed": 2,
        "skipped": 1,
        "reasons": {"tests.a::bad": "not equal", "tests.a::broken": "no device", "tests.a::left out": "no CUDA"},
    }
