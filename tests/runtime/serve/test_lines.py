"""Translators and classifiers behind HTTP: the answers are those of Python."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from toy_classifiers import write_classifier
from toy_translator import write_toy_translator

from rfa_runtime import Classifier, SearchConfig, Translator

if TYPE_CHECKING:
    from running_server import Running


@pytest.fixture
def start(serve_model: Callable[..., Running]) -> Callable[..., Running]:
    """Start a server of a translator or a classifier."""
    return lambda model, **settings: serve_model(model.bundle, lambda: model, **settings)


@pytest.fixture
def translator(tmp_path: Path) -> Translator:
    return Translator(write_toy_translator(tmp_path / "toy.rfa"), threads=1)


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    return Classifier(write_classifier(tmp_path / "toy.rfa"), threads=1)


def test_translations(start: Callable[..., Running], translator: Translator) -> None:
    server = start(translator)
    sources = ["ab", "abcab"]
    found = server.post("/v1/translations", input=sources, beam=3, n_best=2).json()
    wanted = translator.translate_batch(sources, SearchConfig(beam=3, n_best=2))
    assert [one["text"] for one in found["data"]] == [one.text for one in wanted]
    assert [one["score"] for one in found["data"]] == pytest.approx([one.score for one in wanted])
    assert [len(one["n_best"]) for one in found["data"]] == [2, 2]
    assert found["usage"]["completion_tokens"] == sum(one.completion_tokens for one in wanted)
    assert server.post("/v1/translations", input="ab").json()["data"][0]["text"] == translator.translate("ab").text
    assert server.stats()["task"] == "translation"
    assert "n_best" in server.post("/v1/translations", input="ab", n_best=2).json()["error"]["message"]


def test_classifications(start: Callable[..., Running], classifier: Classifier) -> None:
    server = start(classifier)
    found = server.post("/v1/classifications", input=["ab", "abc"]).json()
    wanted = classifier.classify_batch(["ab", "abc"])
    assert [one["label"] for one in found["data"]] == [one.label for one in wanted]
    assert found["data"][0]["probabilities"] == pytest.approx(wanted[0].probabilities)
    assert found["usage"]["prompt_tokens"] == sum(one.tokens for one in wanted)
    refused = server.post("/v1/classifications", input=[["a", "b"]])
    assert refused.status_code == 400
    assert "wants 1" in refused.json()["error"]["message"]
    missing = server.post("/v1/completions", prompt="a")
    assert missing.status_code == 404
    assert "ask /v1/classifications" in missing.json()["error"]["message"]


def test_limits_of_lines(start: Callable[..., Running], classifier: Classifier) -> None:
    gate = threading.Event()
    whole = classifier.classify_batch

    def slow(texts: Any) -> Any:
        gate.wait(20)
        return whole(texts)

    classifier.classify_batch = slow  # type: ignore[method-assign]
    server = start(classifier, max_texts=2, max_queue=0, request_seconds=0.2)
    assert server.post("/v1/classifications", input=["a"] * 3).status_code == 400
    statuses = []

    def ask() -> None:
        statuses.append(server.post("/v1/classifications", input=["a", "a"]).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()  # nobody waits for the thread that is at work
    assert set(statuses) == {429, 504}
    gate.set()
    assert server.idle()
    assert server.post("/v1/classifications", input="a").status_code == 200
