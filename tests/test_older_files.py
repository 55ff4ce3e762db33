"""Checkpoints that were written before the code had its folders still load, and give the same tokens.

`tests/runtime/older_bundles.py` says what they are, `tests/runtime/tasks/test_real_bundles.py` has the bundles of then.
"""

from __future__ import annotations

from pathlib import Path

from older_bundles import FOLDER, check_language_model, check_translator

from rfa_export import export
from rfa_models import load_checkpoint


def bundle_of(name: str, folder: Path) -> Path:
    """What the exporter makes of an old checkpoint now."""
    export(load_checkpoint(FOLDER / f"{name}.pt"), folder / f"{name}.rfa", progress=lambda stage: None)
    return folder / f"{name}.rfa"


def test_a_language_model_says_what_it_said(tmp_path: Path) -> None:
    check_language_model(bundle_of("language", tmp_path))


def test_a_translator_says_what_it_said(tmp_path: Path) -> None:
    check_translator(bundle_of("translator", tmp_path))
