"""Run the tests that ask a GPU, in the repository that the current folder is, and print what came of each.

Arguments: more of pytest's, behind `-m gpu`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rfa_bench.processes.ask import LAST_WORDS, ProbeError

TESTS = Path("tests")
OUTCOMES = ("failure", "error", "skipped")


def main() -> None:
    """Failing tests are a result; no report of pytest is not."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", f"--junitxml={report}", str(TESTS)]
        done = subprocess.run([*command, *sys.argv[1:]], capture_output=True, text=True)
        if not report.exists():
            raise ProbeError(f"pytest ended with exit code {done.returncode}: {done.stdout.strip()[-LAST_WORDS:]}")
        print(json.dumps(results(report)))


def results(report: Path) -> dict[str, Any]:
    """How many tests passed, failed and were skipped, and why those that did not pass did not."""
    found: dict[str, Any] = {"passed": 0, "failed": 0, "skipped": 0, "reasons": {}}
    for case in ElementTree.parse(report).iter("testcase"):
        outcome = next((child for child in case if child.tag in OUTCOMES), None)
        if outcome is None:
            found["passed"] += 1
            continue
        found["skipped" if outcome.tag == "skipped" else "failed"] += 1
        name = f"{case.get('classname')}::{case.get('name')}"
        found["reasons"][name] = outcome.get("message", "")[:LAST_WORDS]
    return found


if __name__ == "__main__":
    main()
