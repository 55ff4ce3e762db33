from __future__ import annotations

import copy
import pickle

import click
import pytest
from click.testing import CliRunner

from rfa_export.errors import TargetError
from rfa_models.errors import ModelError
from rfa_runtime.ending import in_one_line
from rfa_runtime.errors import BundleExistsError, MissingBackendError, OptionError, RfaRuntimeError
from rfa_runtime.wording import OVERWRITE, Setting

MATRICES = Setting("random_matrices")


@click.command()
@click.option("-o", "--overwrite", is_flag=True)
@click.option("--random-matrices")
@click.option("--state")
@click.option("--eval", "text")
@click.argument("place", default="")
@click.pass_context
def command(context: click.Context, **_: object) -> None:
    with in_one_line(RfaRuntimeError):
        raise context.obj


def said(error: Exception) -> str:
    return CliRunner().invoke(command, [], obj=error).stderr


@pytest.mark.parametrize(
    ("setting", "in_python", "on_the_command_line"),
    [
        (OVERWRITE, "overwrite=True", "--overwrite"),
        (MATRICES, "random_matrices", "--random-matrices"),
        (Setting("state", "fp32"), "state='fp32'", "--state fp32"),
        (Setting("text"), "text", "--eval"),
        (Setting("place"), "place", "place"),  # an argument has no flag
        (Setting("restart", True), "restart=True", "restart=True"),  # this command has none
    ],
)
def test_a_setting_has_the_name_that_its_caller_knows(
    setting: Setting, in_python: str, on_the_command_line: str
) -> None:
    error = OptionError("it is there: try ", setting, ", or wait")
    assert str(error) == f"it is there: try {in_python}, or wait"
    assert said(error) == f"Error: it is there: try {on_the_command_line}, or wait\n"


@pytest.mark.parametrize("kind", [BundleExistsError, MissingBackendError, OptionError])
def test_errors_keep_their_message_when_they_are_also_others(kind: type[RfaRuntimeError]) -> None:
    error = kind("x exists: or ", OVERWRITE)
    assert str(error) == "x exists: or overwrite=True"
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert str(other) == str(error)
        assert other.parts == error.parts


@pytest.mark.parametrize("kind", [TargetError, ModelError])
def test_other_packages_word_their_errors_too(kind: type[Exception]) -> None:
    assert str(kind("keep ", Setting("state", "fp32"))) == "keep state='fp32'"


def test_a_message_that_happens_to_look_like_a_setting_is_left_alone() -> None:
    assert said(OptionError("runs/overwrite=True exists")) == "Error: runs/overwrite=True exists\n"
