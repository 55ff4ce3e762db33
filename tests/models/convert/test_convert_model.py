"""Converted models give the logits of the release's own equations, token by token."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from release import (
    END,
    HEADS,
    PROJECT,
    START,
    ReleasedModel,
    Tensors,
    language_model_tensors,
    matrix_pool,
    translator_tensors,
)

from rfa_export.tolerances import MODELS_FLOAT64
from rfa_models.attention.config import AUTHORS, AUTHORS_CROSS
from rfa_models.convert.matrices import Matrices
from rfa_models.convert.model import convert_language_model, convert_translator
from rfa_models.convert.release import Release, ReleaseSettings
from rfa_models.networks.translator import Translator

SOURCES, TARGETS = [[5, 9, 4, 8, END], [7, 3, END]], [[END, 6, 10, 5, 5, 12], [END, 13, 4]]
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "pre norm": {"pre_norm": True},
    "tau": {"causal_tau": 1.7, "cross_tau": 0.6},
    "gelu": {"activation": "gelu"},
    "one encoder head": {"encoder_heads": 1},
    "unscaled embedding": {"scale_embedding": False},
    "no positions": {"has_positions": False},
}
settings = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())


def release(tensors: Tensors, settings: dict[str, Any]) -> Release:
    """What the converter has read, with the settings that `ReleasedModel` has."""
    names = {"encoder_heads": "encoder_attention_heads", "activation": "activation_fn"}
    given = {names.get(name, name): value for name, value in settings.items() if name != "pre_norm"}
    given["no_scale_embedding"] = not given.pop("scale_embedding", True)
    given["no_token_positional_embeddings"] = not given.pop("has_positions", True)
    read = {name: tensor.float() for name, tensor in tensors.items() if not name.endswith(("version", "_float_tensor"))}
    return Release(Path("source.pt"), read, ReleaseSettings(**({"encoder_attention_heads": 2} | given)), True)


def matrices() -> Matrices:
    return Matrices(torch.tensor(matrix_pool()[:HEADS]), len(matrix_pool()))


def translator(settings: dict[str, Any], **tensors: torch.Tensor) -> tuple[Translator, ReleasedModel]:
    """The converted model, and the release's own."""
    both = translator_tensors(settings.get("pre_norm", False)) | tensors
    model = convert_translator(release(both, settings), matrices())
    return model.double(), ReleasedModel(both, matrix_pool(), **settings)


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids with zeros behind the shorter rows, and which are tokens."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])


def assert_rows_equal(found: torch.Tensor, wanted: list[np.ndarray]) -> None:
    for row, logits in zip(found, wanted, strict=True):
        assert np.abs(row[: len(logits)].detach().numpy() - logits).max() <= MODELS_FLOAT64


@settings
def test_a_translator_gives_the_releases_logits(settings: dict[str, Any]) -> None:
    model, released = translator(settings)
    wanted = [released.translate(*rows) for rows in zip(SOURCES, TARGETS, strict=True)]
    source, source_keep = padded(SOURCES)
    target, target_keep = padded(TARGETS)
    assert_rows_equal(model(source, target, source_keep, target_keep), wanted)


@settings
def test_a_translator_gives_the_releases_logits_token_by_token(settings: dict[str, Any]) -> None:
    model, released = translator(settings)
    source, keep = padded(SOURCES)
    memories, states, found = model.encode(source, None, keep), None, []
    target, _ = padded(TARGETS)
    for place in range(target.shape[1]):
        positions = torch.full((len(SOURCES), 1), place)
        logits, states = model.step(target[:, place : place + 1], memories, positions, keep, None, states)
        found.append(logits)
    wanted = [released.translate(*rows) for rows in zip(SOURCES, TARGETS, strict=True)]
    assert_rows_equal(torch.cat(found, 1), wanted)


def test_denominators_of_these_tests_lie_on_both_sides_of_both_floors() -> None:
    """Else the tests above would hold of models that divide otherwise."""
    _, released = translator({})
    for rows in zip(SOURCES, TARGETS, strict=True):
        released.translate(*rows)
    for found in released.denominators.values():
        assert min(found) < -1
        assert max(found) > 1
        assert any(abs(den) < 1 for den in found)


def test_padding_of_the_source_changes_nothing_in_the_release() -> None:
    _, released = translator({})
    for source, target in zip(SOURCES, TARGETS, strict=True):
        without, with_padding = (released.translate(source, target, padding) for padding in (0, 3))
        assert np.abs(without - with_padding).max() <= MODELS_FLOAT64


def test_a_target_may_start_with_our_start_token() -> None:
    """fairseq starts it with the end token, and never reads `<s>`."""
    model, released = translator({})
    wanted = released.translate(SOURCES[0], TARGETS[0])
    found = model(torch.tensor(SOURCES[:1]), torch.tensor([[START, *TARGETS[0][1:]]]))
    assert_rows_equal(found, [wanted])


def test_a_start_token_is_as_likely_as_in_the_release() -> None:
    model, released = translator({})
    assert torch.equal(model.head.weight, released.tensors["decoder.output_projection.weight"].double())


def test_an_output_projection_of_its_own_is_kept() -> None:
    output = torch.randn(14, 16)
    model, released = translator({}, **{"decoder.output_projection.weight": output})
    assert_rows_equal(
        model(torch.tensor(SOURCES[:1]), torch.tensor(TARGETS[:1])), [released.translate(SOURCES[0], TARGETS[0])]
    )


def test_an_output_projection_may_be_left_out_where_it_is_the_embedding() -> None:
    tensors = translator_tensors()
    wanted = convert_translator(release(tensors, {}), matrices())(torch.tensor(SOURCES[:1]), torch.tensor(TARGETS[:1]))
    del tensors["decoder.output_projection.weight"], tensors["encoder.embed_tokens.weight"]
    found = convert_translator(release(tensors, {}), matrices())(torch.tensor(SOURCES[:1]), torch.tensor(TARGETS[:1]))
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("prefix", ["", "encoder.cross_attention_project.", "a\\1."])
def test_the_project_module_is_found_under_any_name(prefix: str) -> None:
    renamed = {name.replace(PROJECT, prefix): tensor for name, tensor in translator_tensors().items()}
    found = convert_translator(release(renamed, {}), matrices()).state_dict()
    for name, tensor in convert_translator(release(translator_tensors(), {}), matrices()).state_dict().items():
        assert torch.equal(found[name], tensor), name


def test_random_matrices_are_those_of_the_release_in_every_layer() -> None:
    model = convert_translator(release(translator_tensors(), {}), matrices())
    for layer in model.decoder:
        assert torch.equal(layer.attention.random_matrices, torch.tensor(matrix_pool()[:HEADS]))
        cross = translator_tensors()[f"{PROJECT}random_matrices_eval"]
        assert torch.equal(layer.cross_attention.random_matrices, cross.float())


def test_random_matrices_of_cross_attention_are_the_pools_first_where_none_are_set_apart() -> None:
    tensors = translator_tensors()
    del tensors[f"{PROJECT}random_matrices_eval"]
    model = convert_translator(release(tensors, {}), matrices())
    wanted = tensors[f"{PROJECT}random_matrices"][:HEADS].float()
    assert torch.equal(model.decoder[0].cross_attention.random_matrices, wanted)


def test_the_releases_constants_are_in_the_config() -> None:
    config = convert_translator(release(translator_tensors(), {"causal_tau": 2.0}), matrices()).config
    for attention, constants in ((config.causal_attention, AUTHORS), (config.cross_attention, AUTHORS_CROSS)):
        assert {name: getattr(attention, name) for name in constants} == constants | {"pool_size": 9}
    assert (AUTHORS["denominator"], AUTHORS_CROSS["denominator"]) == ("clamp", "abs_clamp")
    assert (config.causal_attention.tau, config.cross_attention.tau) == (2.0, 1.0)
    assert (config.norm, config.activation, config.positions) == ("post", "relu", "fairseq")


@pytest.mark.parametrize(
    "settings", [{}, {"causal_tau": 1.7}, {"activation": "gelu"}, {"scale_embedding": False}, {"has_positions": False}]
)
def test_a_language_model_gives_the_releases_logits(settings: dict[str, Any]) -> None:
    tensors = language_model_tensors()
    released = ReleasedModel(tensors, matrix_pool(), pre_norm=True, **settings)
    model = convert_language_model(release(tensors, settings), matrices()).double()
    ids, keep = padded(TARGETS)
    assert_rows_equal(model(ids, None, keep), [released.decode(row) for row in TARGETS])


def test_a_language_model_keeps_one_embedding_for_input_and_output() -> None:
    model = convert_language_model(release(language_model_tensors(), {}), matrices())
    assert model.head.weight is model.embedding.weight
    assert model.config.tie_embeddings
    unscaled = convert_language_model(release(language_model_tensors(), {"scale_embedding": False}), matrices())
    assert not unscaled.config.tie_embeddings
