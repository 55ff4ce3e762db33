"""A checkout: what its code is, and which code a program runs with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rfa_bench.checkouts.checkout import EXPORTING, Checkout, CheckoutError
from rfa_bench.checkouts.plan import cases_of, weights_named
from rfa_export.errors import TargetError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with nothing but the code that decides what a bundle holds."""
    for folder in EXPORTING:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_fingerprint_is_that_of_the_code_wherever_it_lies(copy: Path) -> None:
    assert Checkout(copy).fingerprint == Checkout(ROOT).fingerprint


def test_a_changed_line_changes_the_fingerprint(copy: Path) -> None:
    before = Checkout(copy).fingerprint
    with (copy / "rfa_export" / "pipeline.py").open("a") as file:
        file.write("# another exporter\n")
    assert Checkout(copy).fingerprint != before


def test_a_program_that_ran_with_other_code_is_refused(copy: Path) -> None:
    Checkout(copy).check_origin(str(copy / "rfa_export" / "__init__.py"))
    with pytest.raises(CheckoutError, match="wanted the code of"):
        Checkout(copy).check_origin(str(ROOT / "rfa_export" / "__init__.py"))


@pytest.mark.parametrize("label", ["fp32", "int4", "int4-64", "int8-throughput", "int4-64-throughput"])
def test_weights_have_the_label_that_names_them(label: str) -> None:
    assert weights_named(label).label == label


@pytest.mark.parametrize("wrong", ["int4-few", "int4-", "fp7", "fp32-64", "fp32-throughput"])
def test_other_words_are_no_weights(wrong: str) -> None:
    with pytest.raises(TargetError):
        weights_named(wrong)


def test_texts_of_no_bytes_are_left_out() -> None:
    assert [case.label for case in cases_of([512], [1], 0, 0)] == ["pp512", "step, batch 1"]
