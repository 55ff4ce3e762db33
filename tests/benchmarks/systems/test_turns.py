"""Systems that fail: they are named, with their last words, and the others go on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rfa_bench.measurements import decode
from rfa_bench.measurements.subject import of_shape
from rfa_bench.systems.catalogue import SYSTEMS
from rfa_bench.systems.system import System
from rfa_export.targets.export_config import ExportConfig

STUB = """
import sys
print(0.0, flush=True)
for line in sys.stdin:
    question = line.split()[0]
    if question == FATAL:
        sys.exit("out of ideas")
    print([0.001, 0.002] if question == "step" else 0, flush=True)
"""


@pytest.mark.parametrize("fatal", ["open", "step"])
def test_one_that_ends_early_is_named(fatal: str, twins: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "stub.py"
    program.write_text(STUB.replace("FATAL", repr(fatal)), encoding="ascii")
    command = System.command

    def stub_or_real(system: System, *arguments: object) -> list[str]:
        if system.name == "softmax":
            return [sys.executable, str(program)]
        return command(system, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(System, "command", stub_or_real)
    subject = of_shape("tiny", None, ExportConfig(), twins)
    plan = decode.DecodePlan([8], 1, 1, starts=1, rounds=1, burst=2)
    failed, measured = decode.measure(subject, [SYSTEMS["softmax"], SYSTEMS["rfa"]], plan, lambda _: None)
    assert failed.reason == "the measuring process ended early: out of ideas"
    assert failed.avg_ts is None
    assert measured.avg_ts is not None
