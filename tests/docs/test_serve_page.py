"""docs/serve.md: the server is started as it says, and answers what it says."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from pages import ROOT

PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as place:
        free = int(place.getsockname()[1])
    command = [sys.executable, "-m", "rfa_runtime.commands.serve", "--port", str(free)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{free}/health"):
                    break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield free
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)


def test_the_page_has_commands_curl_and_python() -> None:
    assert [language for language, _ in BLOCKS] == ["sh", "sh", "python", "sh", "python", "sh"]
    assert "rfa-serve model.rfa --port 8000" in BLOCKS[0][1]
    assert "/v1/translations" in BLOCKS[5][1]  # tests/runtime/serve/test_lines.py asks for these


def curl(command: str, port: int) -> str:
    """What a command of the page prints."""
    command = command.replace("8000", str(port)).replace("curl ", "curl -sN ", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    return done.stdout


def python(code: str) -> str:
    """What code of the page prints."""
    pytest.importorskip("openai", reason="openai is not installed: its client cannot be tested")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(port: int) -> None:
    *events, last = [line.removeprefix("data: ") for line in curl(BLOCKS[1][1], port).splitlines() if line]
    assert last == "[DONE]"
    assert json.loads(events[-1])["choices"][0]["finish_reason"] == "length"
    assert json.loads(curl(BLOCKS[3][1], port))["object"] == "session"


def test_python(port: int) -> None:
    first = BLOCKS[2][1].replace("8000", str(port))
    assert python(first).startswith(", there was")
    begin = first[: first.index("for chunk")]
    assert python(begin + BLOCKS[4][1]).count("Then a bear came.") == 1
