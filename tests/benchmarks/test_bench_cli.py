"""The front door of `rfa-bench`: fast answers, and one line where it is stopped."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from rfa_bench import terminal
from rfa_bench.cli import main
from rfa_export.version import __version__

HEAVY = ("torch", "onnx", "onnx_ir", "onnxruntime", "matplotlib", "sacrebleu", "numpy", "tokenizers")
ASK = f"""
import sys
from rfa_bench.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""


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
