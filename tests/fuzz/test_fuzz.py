"""Every reader of files is given what nobody would write: an error of ours in one line is all that may come of it.

A few cases each in the ordinary run, always the same.  `make fuzz` draws others for as long as it is told, and leaves
what it found in `out/fuzz`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_cases import graphs, manifests, tokenizers, weight_places
from case import Case
from checkpoint_cases import checkpoints
from hunt import Finding, Hunt
from hypothesis.strategies import SearchStrategy
from line_cases import learnt_files, line_files
from recipe_cases import recipes
from state_cases import states
from watched import Watched

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
"""For all targets together; without them there is one small round of each."""
SMALL_ROUND, LARGE_ROUND = 8, 300
"""Cases of a round."""
TARGETS: dict[str, SearchStrategy[Case]] = {
    "manifests": manifests(),
    "tokenizers": tokenizers(),
    "graphs": graphs(),
    "places of weights": weight_places(),
    "checkpoints": checkpoints(),
    "recipes": recipes(),
    "files of lines": line_files(),
    "files to learn from": learnt_files(),
    "states": states(),
}
FOUND = Path("out", "fuzz")


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Watched() as child:
        yield child


@pytest.mark.parametrize("target", TARGETS)
def test_bad_input_is_an_error_of_ours(target: str, watched: Watched) -> None:
    hunt = Hunt(TARGETS[target], watched, SECONDS / len(TARGETS) or 60)
    sound = watched.sound
    if SECONDS:
        while time.monotonic() < hunt.end:
            hunt.round(time.time_ns(), LARGE_ROUND)
        print(f"{target}: {hunt.attempts:,} cases, {watched.sound - sound:,} sound, {len(hunt.findings)} faults")
    else:
        hunt.round(0, SMALL_ROUND)
        assert hunt.attempts
    keep(target, list(hunt.findings.values()))
    assert not hunt.findings, report(hunt.findings)


def keep(target: str, findings: list[Finding]) -> None:
    """Write the cases that found something, to be looked at."""
    for number, finding in enumerate(findings):
        folder = FOUND / f"{target.replace(' ', '-')}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        finding.case.write(folder)
        (folder / "found.txt").write_text(f"{finding.case.line()}\n{finding.fault.kind}\n\n{finding.fault.details}")


def report(findings: dict[str, Finding]) -> str:
    """All faults and the command lines that show them."""
    return "\n".join(f"{kind}: {finding.case.line()[:300]}" for kind, finding in findings.items())
