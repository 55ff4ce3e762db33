"""Perplexity against the definition, on the reference's logits in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from toy_bundles import toy_manifest
from toy_graphs import reference_logits

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.errors import LogitsError, OptionError, TextError
from rfa_runtime.line_files.text import read_text
from rfa_runtime.tasks import perplexity as score_module
from rfa_runtime.tasks.perplexity import negative_log_likelihood, score_text

TEXT = "It is a truth — universally acknowledged, that a single man in possession of a good fortune"


def reference_loss(ids: list[int], length: int, kind: str) -> float:
    """Mean of -log p, each segment from an empty state."""
    inputs, targets, total = ids[:-1], ids[1:], 0.0
    for start in range(0, len(inputs), length):
        logits = reference_logits(np.array([inputs[start : start + length]]), kind)[0]
        for row, target in zip(logits, targets[start : start + length], strict=True):
            total += np.log(np.exp(row - row.max()).sum()) + row.max() - row[target]
    return total / len(inputs)


@pytest.mark.parametrize("room", [64 << 20, 3 * 16 * 257 * 4, 5 * 257 * 4, 1], ids=["ample", "three", "five", "none"])
@pytest.mark.parametrize("length", [16, 7, 1, 0, 500])
def test_perplexity_is_its_definition_however_the_work_is_cut(
    toys: Callable[..., Bundle], kind: str, length: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_module, "MAX_LOGITS_BYTES", room)
    ids = list(TEXT.encode())
    found = score_text(toys(kind), TEXT, length, batch=4, threads=1)
    wanted = reference_loss(ids, length or len(ids), kind)
    assert math.log(found.perplexity) == pytest.approx(wanted, rel=1e-5)
    assert found.tokens == len(ids) - 1
    assert found.items == math.ceil((len(ids) - 1) / (length or len(ids)))
    assert found.bytes == len(ids)
    assert found.bits_per_byte == pytest.approx(wanted * (len(ids) - 1) / len(ids) / math.log(2), rel=1e-5)


def test_the_segment_is_the_bundles_own_by_default(toys: Callable[..., Bundle]) -> None:
    assert score_text(toys(), TEXT) == score_text(toys(), TEXT, 16)
    assert score_text(toys(scoring={}), TEXT) == score_text(toys(), TEXT, 0)


def test_a_bundle_without_scoring_graph_is_scored_by_steps(toys: Callable[..., Bundle]) -> None:
    step_only = toys(graphs={"model": toy_manifest().graphs["model"]})
    assert score_text(step_only, TEXT).perplexity == pytest.approx(score_text(toys(), TEXT).perplexity, rel=1e-4)


def test_a_start_token_is_read_once_for_the_whole_text(toys: Callable[..., Bundle]) -> None:
    found = score_text(toys(special_ids=SpecialIds(bos=65)), TEXT, 16)
    assert found.tokens == len(TEXT.encode())
    assert math.log(found.perplexity) == pytest.approx(reference_loss([65, *TEXT.encode()], 16, "rfa"), rel=1e-5)


def test_sums_are_kept_in_float64() -> None:
    logits = np.zeros((3, 1_000_000), np.float32)
    assert negative_log_likelihood(logits, np.array([0, 5, 9])) == pytest.approx(3 * math.log(1e6), rel=1e-9)


def test_a_model_that_gives_no_numbers_is_refused(toys: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_module, "negative_log_likelihood", lambda logits, targets: math.nan)
    with pytest.raises(LogitsError, match="damaged"):
        score_text(toys(), TEXT)


def test_texts_that_cannot_be_scored_are_refused(toys: Callable[..., Bundle]) -> None:
    for text in ("", "a"):
        with pytest.raises(TextError, match="at least 2"):
            score_text(toys(), text)
    with pytest.raises(OptionError, match="segment_length is -1"):
        score_text(toys(), TEXT, -1)


def test_a_file_is_read_and_bad_bytes_are_placed(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes("é\r\nb".encode())
    assert read_text(tmp_path / "good") == "é\nb"
    (tmp_path / "bad").write_bytes(b"four\xff")
    with pytest.raises(TextError, match="bad: byte 0xff at offset 4 is not UTF-8"):
        read_text(tmp_path / "bad")
