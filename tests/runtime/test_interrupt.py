"""Ctrl-C while a library loads ends the process with one line, and with none afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from rfa_runtime.interrupt import INTERRUPTED, ending_at_once

LOADS = """
import os, signal
from rfa_runtime.interrupt import ending_at_once
with ending_at_once({message!r}):
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        pass  # as the code of an extension may do
    print("went on")
"""


@pytest.mark.parametrize(("message", "line"), [("stopped", "stopped\n"), ("", "")])
def test_the_process_ends_with_one_line_even_where_an_import_catches_everything(message: str, line: str) -> None:
    found = subprocess.run([sys.executable, "-c", LOADS.format(message=message)], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (INTERRUPTED, "", line)


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ImportError), ending_at_once():
        raise ImportError
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_loads_as_ever() -> None:
    found: list[object] = []

    def load() -> None:
        with ending_at_once():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
