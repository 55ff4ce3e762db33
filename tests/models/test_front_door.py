"""Commands answer what needs no torch without it, and Ctrl-C while torch loads leaves no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
RUN = """
import sys
from rfa_models.commands.{command} import main
try:
    main({arguments})
except SystemExit as end:
    loaded = sorted({{"torch", "numpy"}} & set(sys.modules))
    print(end.code, loaded, file=sys.stderr)
"""
INTERRUPTED_WHILE_LOADING = """
import signal, sys
from importlib.abc import MetaPathFinder
from rfa_models.commands.train import main


class Interrupts(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            try:
                signal.raise_signal(signal.SIGINT)
            except BaseException:
                raise ImportError("as C code does with an interrupt")


sys.meta_path.insert(0, Interrupts())
main(["recipe.toml"])
"""


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=PLACES, cwd=folder)


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("train", ["--help"], 0),
        ("train", ["--version"], 0),
        ("train", ["recipe.toml", "--step", "2"], 2),
        ("train", [], 2),
        ("train", ["absent.toml"], 2),
        ("train", ["wrong.toml"], 2),
        ("train", ["recipe.toml", "-o", "absent/model.pt"], 2),
        ("train", ["recipe.toml", "--data", "absent.txt"], 2),
        ("train", ["recipe.toml", "--valid", "absent.txt"], 2),
        ("train", ["recipe.toml", "--from", "absent.pt"], 2),
        ("train", ["recipe.toml", "--from", "recipe.toml"], 2),
        ("train", ["recipe.toml", "--threads", "100000"], 2),
        ("convert", ["--help"], 0),
        ("convert", ["--version"], 0),
        ("convert", ["absent.pt", "--random-matrices", "absent.npy"], 2),
        ("convert", ["recipe.toml"], 2),
        ("convert", ["recipe.toml", "--dictionary", "recipe.toml", "--tokenizer", "recipe.toml"], 2),
        ("convert", ["recipe.toml", "--dictionary", "absent.txt"], 2),
        ("convert", ["recipe.toml", "--dictionary", "recipe.toml", "-o", "recipe.toml"], 2),
        ("convert", ["recipe.toml", "--dictionary", "recipe.toml", "--causal-tau", "0"], 2),
        ("evaluate", ["--help"], 0),
        ("evaluate", ["--version"], 0),
        ("evaluate", ["absent.pt", "text.txt"], 2),
        ("evaluate", ["recipe.toml", "recipe.toml"], 2),
        ("evaluate", ["archive.pt", "absent.txt"], 2),
    ],
)
def test_what_needs_no_torch_is_answered_without_it(
    command: str, arguments: list[str], code: int, recipe_file: Callable[..., Path], tmp_path: Path
) -> None:
    recipe_file()
    ZipFile(tmp_path / "archive.pt", "w").close()
    recipe_file("wrong.toml", layers="1\nlayer = 2")
    found = run(RUN.format(command=command, arguments=arguments), tmp_path)
    assert found.stderr.splitlines()[-1] == f"{code} []"


def test_ctrl_c_while_torch_loads_ends_with_exit_code_130_and_no_traceback(
    recipe_file: Callable[..., Path], tmp_path: Path
) -> None:
    recipe_file()
    found = run(INTERRUPTED_WHILE_LOADING, tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "")
