"""The front door of `rfa-bench`: fast answers, and one line where it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from rfa_bench import terminal
from rfa_bench.cli import main
from rfa_export.version import __version__
from rfa_runtime.bundle.bundle import shipped_bundle
from rfa_runtime.interrupt import held_back

PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
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
    [
        (["--help"], 0),
        (["decode", "--help"], 0),
        (["--version"], 0),
        (["decode", "--oops"], 2),
        (["decode", "--checkpoint", "absent.pt", "--bundle", "absent.rfa"], 2),
        (["decode", "--checkpoint", "archive.pt", "--bundle", "absent.rfa"], 2),
        (["decode", "--plot", "absent/plot.png"], 2),
        (["translate", "--plot", "absent/plot.png"], 2),
        (["classify", "--plot", "absent/plot.png"], 2),
        (["growth", "--plot", "absent/plot.png"], 2),
        (["steady", "absent.rfa"], 2),
        (["operators", "--bundle", "absent.rfa"], 2),
        (["prompt", "--bundle", "absent.rfa"], 2),
        (["roofline", "--precisions", "fp7"], 2),
        (["compare", "absent", "absent"], 2),
        (["targets", "--checkpoint", "absent.pt"], 2),
        (["targets", "--eval", "absent.txt"], 2),
        (["targets", "--precisions", "fp32,fp7"], 2),
        (["export", "--target", "abacus"], 2),
        (["export", "--target", "torchscript", "--precision", "int4"], 2),
        (["agreement", "absent.pt", "absent.rfa", "archive.pt"], 2),
        (["agreement", "archive.pt", "absent.rfa", "archive.pt"], 2),
        (["agreement", "archive.pt", "absent.rfa", "absent.tsv"], 2),
        (["agreement", "archive.pt", str(shipped_bundle()), "archive.pt"], 2),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_questions_are_answered_without_heavy_packages(arguments: list[str], code: int, tmp_path: Path) -> None:
    ZipFile(tmp_path / "archive.pt", "w").close()
    done = subprocess.run(
        [sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, cwd=tmp_path, env=PLACES
    )
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
