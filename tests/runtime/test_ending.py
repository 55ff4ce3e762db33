"""How commands end where their output cannot be written, or standard streams are closed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from toy_bundles import environment

from rfa_runtime.ending import BAD_INPUT, PIPE_CLOSED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
WORK = """
from rfa_runtime.ending import in_one_line
with in_one_line(ValueError, stopped="stopped"):
    {work}
"""
AS_MOST: dict[str, Any] = {
    "stderr": subprocess.PIPE,
    "text": True,
    "env": environment() | {"PYTHONUNBUFFERED": ""},  # output is buffered on most machines
}


def ends(work: str, redirection: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of work as a command."""
    command = ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, WORK.format(work=work)]
    return subprocess.run(command, stdout=subprocess.PIPE, **AS_MOST)


def test_a_full_disk_behind_the_output_is_one_line() -> None:
    found = ends('print("x")', ">/dev/full")
    assert found.returncode == BAD_INPUT
    assert found.stderr == "Error: [Errno 28] No space left on device\n"


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run([sys.executable, "-c", WORK.format(work='print("x")')], stdout=writer, **AS_MOST)
    os.close(writer)
    assert (found.returncode, found.stderr) == (PIPE_CLOSED, "")


@pytest.mark.parametrize(
    ("work", "code"), [("raise ValueError(1)", BAD_INPUT), ("raise KeyboardInterrupt", 130), ("pass", 0)]
)
def test_without_standard_error_nothing_is_said_anywhere(work: str, code: int) -> None:
    found = ends(work, "2>&-")
    assert (found.returncode, found.stdout) == (code, "")


def test_without_standard_output_the_work_is_done() -> None:
    found = ends('print("x")', ">&-")
    assert (found.returncode, found.stderr) == (0, "")
