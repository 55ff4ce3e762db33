"""What a browser computes, where Node and its packages are there; and what is said where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_models import Example

from rfa_export.runtimes import web
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.runtimes.web import OnnxRuntimeWeb, web_version
from rfa_runtime.tasks.language import Decoder

PACKAGE = Path(__file__).parents[3] / "runtime" / "web"


@pytest.fixture(autouse=True)
def in_the_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Node finds rfa-web and what `make web` installs from here."""
    monkeypatch.chdir(PACKAGE)
    web_version.cache_clear()
    yield
    web_version.cache_clear()


def test_without_node_there_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.shutil, "which", lambda _: None)
    assert OnnxRuntimeWeb().version() is None


def test_without_the_package_there_is_no_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NODE_PATH", raising=False)
    assert OnnxRuntimeWeb().version() is None


@pytest.mark.skipif(not (PACKAGE / "node_modules").exists(), reason="runtime/web/node_modules is missing: make web")
def test_greedy_decoding_gives_the_tokens_of_our_own_runtime(gated: Example) -> None:
    graphs, prompt = TargetGraphs(gated.bundle, "ort", OnnxRuntimeWeb()), [72, 101, 108]
    state, found = graphs.new_state(1), list[int]()
    logits = graphs.step(np.array([prompt]), state)
    while len(found) < 256:
        found.append(int(logits.argmax()))
        logits = graphs.step(np.array([[found[-1]]]), state)
    assert found == Decoder(gated.bundle, threads=1).generate(prompt, max_new_tokens=256).token_ids


def test_a_file_that_node_cannot_read_is_not_checked(tmp_path: Path) -> None:
    for size, objection in ((2 << 30, None), ((2 << 30) + 1, "model.onnx.data is over 2 GiB")):
        with (tmp_path / "model.onnx.data").open("wb") as file:
            file.truncate(size)
        assert OnnxRuntimeWeb().objection(tmp_path) == objection
