"""The front door of `rfa-bench`: fast answers, and one line where it is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rfa_bench import terminal
from rfa_bench.cli import main
from rfa_export.version import __version__
from rfa_runtime.interrupt import held_back

HEAVY = ("torch", "onnx", "onnx_ir", "onnxruntime", "matplotlib", "sacrebleu", "numpy", "tokenizers")
ASK = f"""
import sys
import rfa_models
before = set(sys.modules)
from rfa_bench.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted((set(sys.modules) - before) & set({HEAVY!r})), file=sys.stderr)
"""
"""Prints the heavy packages that rfa-bench has loaded.  What `import rfa_models` loads is a matter of its own tests."""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["latency", "--help"], 0), (["--version"], 0), (["latency", "--oops"], 2)],
    ids=["--help", "latency --help", "--version", "wrong option"],
)
def test_questions_are_answered_without_heavy_packages(arguments: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1] == ""


def test_version_is_the_one_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"rfa-bench, version {__version__}\n"


def test_ctrl_c_while_measuring_is_one_line_and_exit_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped, terminal.measuring():
        raise KeyboardInterrupt
    assert stopped.value.code == 130
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_folder_is_kept_for_one_command_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.measuring(tmp_path), pytest.raises(SystemExit) as stopped, terminal.measuring(tmp_path):
        pytest.fail("two commands write into one folder")
    assert stopped.value.code == 2
    assert "is being written by process " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def load_while_interrupted(done: list[str]) -> None:
    with held_back():
        signal.raise_signal(signal.SIGINT)
        done.append("loaded")


def test_ctrl_c_waits_until_modules_are_loaded() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        load_while_interrupted(done)
    assert done == ["loaded"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ctrl_c_nothing_is_raised() -> None:
    with held_back():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
