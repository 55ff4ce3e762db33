"""Classifiers of every kind become one graph that gives each text, however it is padded, what torch gives it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from graph_files import DEBRIS, FLOAT, INT64, graph, interface, operators
from small_models import VOCAB, Example, assert_near, attention_config, classifier, disturbed, random_ids

from rfa_export.errors import TokenizerError, TraceError
from rfa_export.pipeline import task_of
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.task import PRODUCER
from rfa_models.attention.config import AUTHORS_CROSS
from rfa_models.attention.encoder import RfaEncoderAttention
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.data.tokenizer import CLASS, byte_tokenizer
from rfa_models.networks.classifier import Classifier
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.session.ort import open_session
from rfa_runtime.session.padding import pad

STEP, LABELS = "model.onnx", ("no", "perhaps", "yes")
TOKENS, PAIR_TOKENS = ((INT64, ["batch", length]) for length in ("sequence", "pair_sequence"))
LENGTHS = (3, 40, 1, 17)
Texts = list[tuple[list[int], ...]]


def every_setting() -> Classifier:
    """Both feature maps and the authors' constants, the mean of all tokens."""
    model = classifier(layers=2)
    config = attention_config(feature_map="arccos", **AUTHORS_CROSS)
    model.layers[1].attention = disturbed(RfaEncoderAttention(config))
    return model


def softmax_pairs() -> Classifier:
    """Softmax, and all that `every_setting` leaves out: two texts, the first token of each, no positions."""
    others: dict[str, Any] = {"pairs": True, "pooling": "first", "positions": "none"}
    return classifier({"kind": "softmax"}, vocab_size=VOCAB + 1, **others)


CLASSIFIERS: dict[str, Callable[[], Classifier]] = {"rfa": every_setting, "softmax pairs": softmax_pairs}


def task(model: Classifier) -> ClassifierExport:
    found = task_of(Checkpoint(model, with_class_token()))
    assert isinstance(found, ClassifierExport)
    return found


def with_class_token() -> Any:
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens([CLASS])
    return tokenizer


@pytest.fixture(scope="module")
def example_of(export_task: Callable[..., Bundle]) -> Callable[[str], Example]:
    """Export a classifier, each kind once."""

    @cache
    def run(kind: str) -> Example:
        model = CLASSIFIERS[kind]()
        return Example(model, export_task(task(model)))

    return run


@pytest.fixture(params=CLASSIFIERS)
def example(request: pytest.FixtureRequest, example_of: Callable[[str], Example]) -> Example:
    return example_of(request.param)


def random_texts(example: Example, *lengths: int) -> Texts:
    """One text of each length, or a pair of which the second is shorter."""
    both = [(length, (length + 1) // 2)[: 1 + example.module.config.pairs] for length in lengths]
    return [tuple(random_ids(1, length, seed=length)[0].tolist() for length in pair) for pair in both]


def classified(bundle: Bundle, texts: Texts) -> np.ndarray:
    """Logits [B, C] of texts that go through the graph together."""
    given = {}
    for prefix, column in zip(("", "pair_"), zip(*texts, strict=True), strict=False):
        ids, mask = pad(column)
        given |= {f"{prefix}input_ids": ids, f"{prefix}attention_mask": mask}
        given[f"{prefix}position_ids"] = np.arange(ids.shape[1]) + np.zeros_like(ids)
    spec = bundle.manifest.graphs["model"]
    session = open_session(bundle.path / spec.file, 1, "cpu")
    return session.run(["logits"], {name: given[name] for name in spec.inputs})[0]


def torch_logits(module: Any, texts: Texts) -> np.ndarray:
    """Each text by itself, in float64."""
    exact = copy.deepcopy(module).double()
    with torch.no_grad():
        rows = [exact(*(x for ids in text for x in (torch.tensor([ids]), None, None))) for text in texts]
    return torch.cat(rows).numpy()


def test_texts_of_unlike_length_get_what_torch_gives_each_of_them(example: Example) -> None:
    texts = random_texts(example, *LENGTHS)
    assert_near(classified(example.bundle, texts), torch_logits(example.module, texts))


def test_a_text_alone_gets_what_it_gets_in_a_batch(example: Example) -> None:
    texts = random_texts(example, *LENGTHS)
    alone = [classified(example.bundle, [text])[0] for text in texts]
    assert_near(np.stack(alone), classified(example.bundle, texts))


def test_a_text_may_be_longer_than_any_that_was_seen(example: Example) -> None:
    texts = random_texts(example, 4000)
    assert_near(classified(example.bundle, texts), torch_logits(example.module, texts))


@pytest.mark.parametrize(
    ("example", "inputs"),
    [
        ("rfa", {"input_ids": TOKENS, "attention_mask": TOKENS, "position_ids": TOKENS}),
        (
            "softmax pairs",
            {"input_ids": TOKENS, "attention_mask": TOKENS}
            | {"pair_input_ids": PAIR_TOKENS, "pair_attention_mask": PAIR_TOKENS},
        ),
    ],
    indirect=["example"],
)
def test_names_and_shapes_are_those_that_runtimes_know(example: Example, inputs: dict[str, Any]) -> None:
    found = graph(example.bundle.path / STEP)
    assert interface(found.input) == inputs
    assert interface(found.output) == {"logits": (FLOAT, ["batch", 3])}
    assert example.bundle.manifest.graphs["model"].inputs == tuple(value.name for value in found.input)


def test_the_manifest_says_what_is_needed_to_run(example: Example) -> None:
    manifest = example.bundle.manifest
    first = example.module.config.pooling == "first"
    assert (manifest.producer, manifest.task) == (PRODUCER, "classification")
    assert (manifest.vocab_size, manifest.labels, manifest.max_tokens) == (VOCAB + first, LABELS, 4096)
    assert manifest.state == ()
    spec = manifest.graphs["model"]
    assert (spec.file, spec.target, spec.logits, spec.outputs) == (STEP, "ort", "sequence", ("logits",))
    assert manifest.special_ids.bos == (VOCAB if first else None)
    assert manifest.special_ids.eos is None
    assert sorted(manifest.files) == [STEP, "model.onnx.data"]


def test_no_graph_computes_shapes(example: Example) -> None:
    assert not DEBRIS & set(operators(graph(example.bundle.path / STEP)))


def test_a_model_that_reads_the_first_place_needs_the_token_that_stands_there() -> None:
    with pytest.raises(TokenizerError, match="the tokenizer has no token '<cls>'"):
        task_of(Checkpoint(classifier(pooling="first"), byte_tokenizer()))


def test_a_classifier_that_gives_more_than_logits_is_refused() -> None:
    class Talkative(Classifier):
        def forward(self, *inputs: Any) -> Any:
            return super().forward(*inputs), self.norm.weight

    module = Talkative(classifier({"kind": "softmax"}).config)
    with pytest.raises(TraceError, match="Talkative returns a tuple, wanted one tensor: the logits"):
        ClassifierExport(module, 256, LABELS).trace()
