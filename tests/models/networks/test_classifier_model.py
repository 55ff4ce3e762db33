"""The classifier: padding is not there, and the two ways of pooling see what they should."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.config import AttentionConfig
from rfa_models.errors import ConfigError
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig

LABELS = ("bad", "fair", "good")
kinds = pytest.mark.parametrize("kind", ["rfa", "softmax"])
poolings = pytest.mark.parametrize("pooling", ["mean", "first"])


@pytest.fixture
def classifier_of(small_attention: Callable[..., AttentionConfig]) -> Callable[..., Classifier]:
    def build(kind: str = "rfa", **settings: Any) -> Classifier:
        config = ClassifierConfig(50, LABELS, 2, 24, attention=small_attention(kind=kind), **settings)
        return Classifier(config).double().eval()

    return build


def ids(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(50, (rows, length), generator=torch.Generator().manual_seed(seed))


@kinds
@poolings
def test_padding_changes_nothing(classifier_of: Callable[..., Classifier], kind: str, pooling: str) -> None:
    model, tokens, keep = classifier_of(kind, pooling=pooling), ids(2, 9), torch.ones(2, 9)
    keep[0, 5:] = 0
    found = model(tokens, None, keep)
    assert found.shape == (2, 3)
    torch.testing.assert_close(found[:1], model(tokens[:1, :5]), atol=FORMS_FLOAT64, rtol=0)


@kinds
def test_pairs_are_read_by_one_encoder_and_their_order_matters(
    classifier_of: Callable[..., Classifier], kind: str
) -> None:
    model, first, second = classifier_of(kind, pairs=True), ids(2, 9), ids(2, 6, 1)
    found = model(first, pair_input_ids=second)
    assert found.shape == (2, 3)
    assert not torch.allclose(found, model(second, pair_input_ids=first), atol=1e-6)
    keep = torch.ones(2, 6)
    keep[0, 4:] = 0
    padded = model(first, pair_input_ids=second, pair_keep=keep)
    torch.testing.assert_close(padded[:1], model(first[:1], pair_input_ids=second[:1, :4]), atol=FORMS_FLOAT64, rtol=0)


def test_positions_are_seen_where_the_model_has_any(classifier_of: Callable[..., Classifier]) -> None:
    tokens = ids(1, 9)
    with_positions, without = classifier_of(), classifier_of(positions="none")
    assert not torch.allclose(with_positions(tokens), with_positions(tokens.flip(1)), atol=1e-6)
    torch.testing.assert_close(without(tokens), without(tokens.flip(1)), atol=FORMS_FLOAT64, rtol=0)


@pytest.mark.parametrize("labels", [(), ("one",), ("a", "a"), ("a", "")])
def test_labels_must_be_two_or_more_different_names(labels: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="two or more different names"):
        ClassifierConfig(50, labels)


def test_a_gate_is_refused(small_attention: Callable[..., AttentionConfig]) -> None:
    with pytest.raises(ConfigError, match="gate = true in a classifier: only causal attention has that"):
        ClassifierConfig(50, LABELS, attention=small_attention(gate=True))
