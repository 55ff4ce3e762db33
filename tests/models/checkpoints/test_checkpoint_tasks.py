"""`model.pt` of translators and classifiers: what is saved comes back, what does not fit is refused."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from rfa_models.data.tokenizer import CLASS, END, START, TokenizerConfig, byte_tokenizer, make_tokenizer
from rfa_models.errors import CheckpointError
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig

SMALL = {"heads": 2, "head_dim": 8, "random_vectors": 8, "pool_size": 8}
KINDS = {"rfa": {}, "arccos": {"feature_map": "arccos"}, "softmax": {"kind": "softmax"}}
kinds = pytest.mark.parametrize("attention", KINDS.values(), ids=KINDS.keys())
tasks = pytest.mark.parametrize("task", ["translation", "classification"])


def translation(attention: dict[str, Any] | None = None, **settings: Any) -> Checkpoint:
    attended = AttentionConfig(**(SMALL | (attention or {})))
    config = TranslatorConfig(
        vocab_size=258,
        encoder_layers=1,
        decoder_layers=2,
        mlp_width=16,
        encoder_attention=AttentionConfig(kind="softmax", **SMALL),
        causal_attention=attended,
        cross_attention=attended,
        **settings,
    )
    return Checkpoint(Translator(config).eval(), make_tokenizer(TokenizerConfig("byte"), [], (START, END)))


def classification(attention: dict[str, Any] | None = None, **settings: Any) -> Checkpoint:
    attended = AttentionConfig(**(SMALL | (attention or {})))
    config = ClassifierConfig(257, ("no", "yes"), 2, 16, attention=attended, **settings)
    return Checkpoint(Classifier(config).eval(), make_tokenizer(TokenizerConfig("byte"), [], (CLASS,)))


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """Write a checkpoint with other entries; `config` and `tensors` are merged into what is there."""

    def write(checkpoint: Checkpoint, config: dict | None = None, tensors: dict | None = None, **rest: Any) -> Path:
        path = tmp_path / "model.pt"
        save_checkpoint(checkpoint, path)
        table = copy.deepcopy(torch.load(path, weights_only=True))
        table["config"].update(config or {})
        table["tensors"].update(tensors or {})
        torch.save(table | rest, path)
        return path

    return write


def refused(path: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        load_checkpoint(path)
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def same_tensors(found: torch.nn.Module, wanted: torch.nn.Module) -> bool:
    tensors = found.state_dict()
    return all(torch.equal(tensors[name], tensor) for name, tensor in wanted.state_dict().items())


@kinds
@pytest.mark.parametrize("settings", [{}, {"tie_embeddings": False, "norm": "post", "positions": "none"}], ids=str)
def test_a_saved_translator_comes_back_to_the_bit(
    tmp_path: Path, attention: dict[str, Any], settings: dict[str, Any]
) -> None:
    saved = translation(attention, **settings)
    save_checkpoint(saved, tmp_path / "model.pt")
    loaded = load_checkpoint(tmp_path / "model.pt")
    source, target = torch.randint(256, (2, 9)), torch.randint(256, (2, 5))
    assert torch.equal(loaded.model(source, target), saved.model(source, target))
    assert loaded.model.config == saved.model.config
    assert (loaded.task, loaded.segment_length, loaded.model.training) == ("translation", 0, False)
    assert loaded.tokenizer.token_to_id(END) == 257
    assert same_tensors(loaded.model, saved.model)


@kinds
@pytest.mark.parametrize("settings", [{}, {"pooling": "first"}, {"pairs": True}], ids=str)
def test_a_saved_classifier_comes_back_to_the_bit(
    tmp_path: Path, attention: dict[str, Any], settings: dict[str, Any]
) -> None:
    saved = classification(attention, **settings)
    save_checkpoint(saved, tmp_path / "model.pt")
    loaded = load_checkpoint(tmp_path / "model.pt")
    ids = torch.randint(256, (2, 9))
    texts = (ids, None, None, ids[:, :5]) if settings.get("pairs") else (ids,)
    assert torch.equal(loaded.model(*texts), saved.model(*texts))
    assert loaded.model.config == saved.model.config
    assert (loaded.task, loaded.model.config.labels) == ("classification", ("no", "yes"))
    assert same_tensors(loaded.model, saved.model)


def test_tied_embeddings_are_stored_once_and_stay_tied(edited: Callable[..., Path]) -> None:
    path = edited(translation())
    assert "head.weight" not in torch.load(path, weights_only=True)["tensors"]
    model = load_checkpoint(path).model
    assert model.head.weight is model.embedding.tokens.weight


def test_only_a_language_model_has_a_segment_length(edited: Callable[..., Path]) -> None:
    assert "segment_length" not in torch.load(edited(translation()), weights_only=True)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"encoder_layers": 10**9}, "encoder_layers is 1000000000"),
        ({"encoder_layers": 2**20}, "config says 1048576 encoder_layers, the tensors are of 1"),
        ({"decoder_layers": 3}, "config says 3 decoder_layers, the tensors are of 2"),
        ({"mlp_width": 2**20}, r"'encoder.0.mlp.0.weight' has shape \(16, 16\), its config wants \(1048576, 16\)"),
        ({"vocab_size": 2**20}, "'embedding.tokens.weight' has shape"),
        ({"vocab_size": 100}, "tokenizer has ids up to 257, the model knows 100"),
        ({"layers": 1}, "unknown key 'layers'"),
    ],
)
def test_a_translators_config_that_does_not_fit_is_named(
    edited: Callable[..., Path], config: dict[str, Any], message: str
) -> None:
    refused(edited(translation(), config), message)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"layers": 2**20}, "config says 1048576 layers, the tensors are of 2"),
        ({"labels": ["a"]}, "wanted two or more different names"),
        ({"labels": ["a", 3]}, "labels is 3, wanted str"),
        ({"labels": [str(number) for number in range(10_000)]}, r"'head.2.weight' has shape \(2, 16\)"),
        ({"pairs": True}, "'head.0.weight' has shape"),
        ({"max_tokens": -1}, "max_tokens is -1"),
        ({"pooling": "last"}, "wanted one of mean, first"),
    ],
)
def test_a_classifiers_config_that_does_not_fit_is_named(
    edited: Callable[..., Path], config: dict[str, Any], message: str
) -> None:
    refused(edited(classification(), config), message)


@tasks
def test_tensors_that_do_not_fit_are_named(edited: Callable[..., Path], task: str) -> None:
    checkpoint = {"translation": translation, "classification": classification}[task]()
    refused(edited(checkpoint, tensors={"extra": torch.zeros(1)}), "'extra' is not of this model")
    refused(edited(checkpoint, tensors={"embedding.tokens.weight": torch.zeros(3)}), "has shape")
    refused(edited(checkpoint, task="language-model", segment_length=8), "unknown key")


@tasks
def test_entries_that_are_missing_or_wrong_are_named(edited: Callable[..., Path], task: str) -> None:
    checkpoint = {"translation": translation, "classification": classification}[task]()
    refused(edited(checkpoint, tokenizer=3), "'tokenizer' is not a str")
    refused(edited(checkpoint, training=[]), "'training' is not a dict")


def test_a_translators_tokenizer_needs_its_special_tokens(edited: Callable[..., Path]) -> None:
    refused(edited(translation(), tokenizer=byte_tokenizer().to_str()), "its tokenizer has no <s>")


def test_a_classifier_of_the_first_place_needs_its_class_token(edited: Callable[..., Path]) -> None:
    refused(edited(classification(pooling="first"), tokenizer=byte_tokenizer().to_str()), "has no <cls>")
    load_checkpoint(edited(classification(), tokenizer=byte_tokenizer().to_str()))
