"""Names of the package load their modules on first use, so that commands answer what needs no torch without it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

import rfa_export
import rfa_models

PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
RUN = """
import sys
from rfa_export.commands.{command} import main
try:
    main({arguments})
except SystemExit as end:
    loaded = sorted({{"torch", "onnx", "onnx_ir", "onnxruntime"}} & set(sys.modules))
    print(end.code, loaded, file=sys.stderr)
"""


@pytest.mark.parametrize("package", [rfa_export, rfa_models], ids=["rfa_export", "rfa_models"])
def test_a_console_shows_the_public_names_and_each_of_them_is_there(package: ModuleType) -> None:
    assert set(dir(package)) == set(package.__all__)
    for home, names in package.HOMES.items():
        module = importlib.import_module(f"{package.__name__}.{home}")
        for name in names:
            assert getattr(package, name) is getattr(module, name)
    with pytest.raises(AttributeError, match="has no attribute 'exports'"):
        package.exports  # noqa: B018


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("export", ["--help"], 0),
        ("export", ["--version"], 0),
        ("export", ["--presicion", "fp32"], 2),
        ("export", [], 2),
        ("export", ["absent.pt"], 2),
        ("export", ["absent.pt", "--target", "abacus"], 2),
        ("export", ["text.pt"], 2),
        ("export", ["archive.pt", "-o", "absent/new.rfa"], 2),
        ("export", ["archive.pt", "-o", "text.pt"], 2),
        ("export", ["archive.pt", "--eval", "absent.txt"], 2),
        ("inspect", ["--help"], 0),
        ("inspect", ["--version"], 0),
        ("inspect", ["absent.rfa"], 2),
    ],
)
def test_what_needs_no_torch_is_answered_without_it(
    command: str, arguments: list[str], code: int, tmp_path: Path
) -> None:
    ZipFile(tmp_path / "archive.pt", "w").close()
    (tmp_path / "text.pt").write_text("no archive", encoding="utf-8")
    program = RUN.format(command=command, arguments=arguments)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=PLACES, cwd=tmp_path)
    assert found.stderr.splitlines()[-1] == f"{code} []"
