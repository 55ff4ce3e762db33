"""Classes of texts against the definition, however the texts come together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper
from toy_classifiers import (
    INPUTS,
    LABELS,
    classifier_graph,
    reference_probabilities,
    toy_weights,
    write_classifier,
)

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import GraphSpec, SpecialIds
from rfa_runtime.errors import BundleError, LogitsError, OptionError, PromptError, SessionError
from rfa_runtime.session import padding
from rfa_runtime.session.padding import pad, similar
from rfa_runtime.tasks.classification import Classification, Classifier

TEXTS = ["a", "some words", "é — ü", "word " * 300, "x" * 17, "word " * 290, "y" * 20]


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    return Classifier(write_classifier(tmp_path / "toy.rfa"), threads=1)


def expect(found: Classification, wanted: np.ndarray) -> None:
    assert list(found.probabilities) == list(LABELS)
    assert list(found.probabilities.values()) == pytest.approx(wanted, abs=1e-6)
    assert (found.label, found.label_id) == (LABELS[wanted.argmax()], wanted.argmax())


def test_the_error_of_a_text_in_a_batch_says_which(classifier: Classifier) -> None:
    with pytest.raises(PromptError, match=r"^text 2 of 2: the text is empty"):
        classifier.classify_batch(["a", ""])


def test_probabilities_are_their_definition(classifier: Classifier) -> None:
    for text in TEXTS:
        found = classifier.classify(text)
        expect(found, reference_probabilities(text))
        assert found.tokens == len(text.encode())


def test_a_text_is_classified_alike_whatever_is_beside_it(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in (1 << 16, 400, 1):
        monkeypatch.setattr(padding, "MAX_TOKENS", room)
        monkeypatch.setattr(padding, "SMALL", min(room, 1024))
        for text, found in zip(TEXTS, classifier.classify_batch(TEXTS), strict=True):
            expect(found, reference_probabilities(text))
    assert classifier.classify_batch([]) == []


def test_pairs_of_documents(tmp_path: Path) -> None:
    classifier = Classifier(write_classifier(tmp_path / "toy.rfa", pairs=True))
    pairs = [("a", "b" * 40), ("some words", "x"), ("word " * 80, "é")]
    for pair, found in zip(pairs, classifier.classify_batch(pairs), strict=True):
        expect(found, reference_probabilities(*pair))
        assert found.tokens == sum(len(text.encode()) for text in pair)
    for wrong in ("alone", ("a", "b", "c")):
        with pytest.raises(PromptError, match="wants 2"):
            classifier.classify(wrong)  # type: ignore[arg-type]


def test_long_texts_are_cut_where_the_model_ends(tmp_path: Path) -> None:
    classifier = Classifier(write_classifier(tmp_path / "toy.rfa", max_tokens=10))
    for text in ("short", "exactly te", "longer than ten bytes"):
        found = classifier.classify(text)
        expect(found, reference_probabilities(text, max_tokens=10))
        assert found.tokens == min(len(text), 10)


def test_a_first_token_stands_before_every_text_and_counts(tmp_path: Path) -> None:
    special_ids = SpecialIds(bos=65)
    classifier = Classifier(write_classifier(tmp_path / "toy.rfa", max_tokens=10, special_ids=special_ids))
    for text in ("short", "longer than ten bytes"):
        expect(classifier.classify(text), reference_probabilities("A" + text, max_tokens=10))


def test_the_name_of_a_special_token_is_text(classifier: Classifier) -> None:
    expect(classifier.classify("a <end>"), reference_probabilities("a <end>"))


def test_a_graph_without_positions_is_given_none(tmp_path: Path) -> None:
    model = classifier_graph()
    del model.graph.input[2]
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 1), np.int64), "position_ids"))
    graphs = {"model": GraphSpec("model.onnx", "ort", INPUTS[:2], "sequence")}
    bundle = write_classifier(tmp_path / "toy.rfa", files={"model.onnx": model.SerializeToString()}, graphs=graphs)
    w = toy_weights()
    logits = w["embed"][[97, 98]].mean(0) @ w["head"]
    assert Classifier(bundle).classify("ab").label_id == logits.argmax()


def test_64_kilobytes_and_a_million_characters_are_one_call(classifier: Classifier) -> None:
    for text in ("0123456789abcdef" * 4096, "x" * 1_000_000):
        assert classifier.classify(text).tokens == len(text.encode())


def test_the_table_has_the_names_of_the_contract(classifier: Classifier) -> None:
    table = json.loads(json.dumps(classifier.classify("text").as_table()))
    assert table.keys() == {"label", "label_id", "probabilities", "tokens"}
    assert sum(table["probabilities"].values()) == pytest.approx(1)


def test_texts_without_tokens_are_refused(classifier: Classifier) -> None:
    with pytest.raises(PromptError, match="the text is empty"):
        classifier.classify("")
    with pytest.raises(PromptError, match=r"half a character .* at character 1"):
        classifier.classify("a\ud800")


def test_one_bad_text_of_a_batch_is_refused_before_any_work(classifier: Classifier) -> None:
    with pytest.raises(PromptError, match="the text is empty"):
        classifier.classify_batch(["fine", ""])


def test_bundles_of_other_tasks_are_refused_by_name(toys: Callable[..., Bundle]) -> None:
    with pytest.raises(BundleError, match=r"toy.rfa is for the task 'language-model', a Classifier wants"):
        Classifier(toys())


def test_settings_that_cannot_work_are_refused(classifier: Classifier) -> None:
    with pytest.raises(OptionError, match="threads is 0"):
        Classifier(classifier.bundle, threads=0)
    with pytest.raises(OptionError, match="provider is 'tpu'"):
        Classifier(classifier.bundle, provider="tpu")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ("only", "two")}, r"logits of shape \(1, 3\), wanted \(1, 2\)"),
        ({"graphs": {"model": GraphSpec("model.onnx", "ort", INPUTS, "all")}}, "gives 'all' logits"),
        ({"graphs": {"model": GraphSpec("model.onnx", "ort", INPUTS[:2], "sequence")}}, "disagree on the inputs"),
    ],
)
def test_a_graph_that_is_not_what_the_manifest_says_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    bundle = write_classifier(tmp_path / "toy.rfa", **changes)
    with pytest.raises(SessionError, match=words):
        Classifier(bundle).classify("text")


def test_weights_that_give_no_numbers_are_refused(tmp_path: Path) -> None:
    model = classifier_graph()
    head = next(one for one in model.graph.initializer if one.name == "head")
    head.CopyFrom(numpy_helper.from_array(np.full((6, 3), np.nan, np.float32), "head"))
    bundle = write_classifier(tmp_path / "toy.rfa", files={"model.onnx": model.SerializeToString()})
    with pytest.raises(LogitsError, match="damaged"):
        Classifier(bundle).classify("text")


def test_texts_of_like_length_go_together() -> None:
    assert similar([(5000,), (10,), (4900,), (12,), (40_000,)]) == [[4], [0, 2], [3, 1]]
    assert similar([(30_000,), (30_000,), (30_000,)]) == [[0, 1], [2]]
    assert similar([(2000, 10), (10, 2000), (2000, 10)]) == [[0], [1], [2]]
    assert similar([]) == []


def test_little_of_a_batch_is_padding() -> None:
    lengths = [(int(length),) for length in np.random.default_rng(0).integers(1, 20_000, 200)]
    groups = similar(lengths)
    assert sorted(row for group in groups for row in group) == list(range(200))
    for group in groups:
        sizes = [lengths[row][0] for row in group]
        padded = len(sizes) * max(sizes)
        assert padded <= 1024 or padded - sum(sizes) <= 0.25 * padded
        assert len(sizes) == 1 or padded <= 1 << 16


def test_padding_is_id_0_under_a_mask() -> None:
    ids, mask = pad([[5, 6, 7], [8]])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert ids.dtype == mask.dtype == np.int64
