"""Our names to those of the release."""

import pytest

from rfa_models.convert.names import count_layers, find_project, listed, release_name, without_wrappers
from rfa_models.errors import CheckpointError


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("embedding.tokens.weight", "decoder.embed_tokens.weight"),
        ("embedding.weight", "decoder.embed_tokens.weight"),
        ("head.weight", "decoder.output_projection.weight"),
        ("encoder_norm.weight", "encoder.layer_norm.weight"),
        ("norm.bias", "decoder.layer_norm.bias"),
        ("encoder.3.attention.out_proj.bias", "encoder.layers.3.self_attn.out_proj.bias"),
        ("encoder.12.mlp_sum.norm.weight", "encoder.layers.12.final_layer_norm.weight"),
        ("decoder.0.mlp.2.weight", "decoder.layers.0.fc2.weight"),
        ("decoder.0.attention.sigma", "decoder.layers.0.self_attn.sigma"),
        ("decoder.0.attention_sum.norm.weight", "decoder.layers.0.self_attn_layer_norm.weight"),
        ("decoder.0.cross_attention.q_proj.weight", "decoder.layers.0.encoder_attn.q_proj.weight"),
        ("decoder.0.cross_sum.norm.bias", "decoder.layers.0.encoder_attn_layer_norm.bias"),
        ("decoder.1.cross_attention.k_proj.weight", "a.b.layers.1.k_proj.weight"),
        ("decoder.1.cross_attention.v_proj.bias", "a.b.layers.1.v_proj.bias"),
        ("decoder.1.cross_attention.sigma", "a.b.layers.1.sigma"),
        ("blocks.1.attention_norm.weight", "decoder.layers.1.self_attn_layer_norm.weight"),
        ("blocks.1.mlp.0.bias", "decoder.layers.1.fc1.bias"),
    ],
)
def test_each_of_our_tensors_has_its_name_in_the_release(ours: str, theirs: str) -> None:
    assert release_name(ours, "a.b.") == theirs


@pytest.mark.parametrize("prefix", ["", "x.", "x.y."])
def test_the_project_module_is_found_by_what_no_other_holds(prefix: str) -> None:
    others = ["decoder.random_matrices_eval", "decoder.layers.0.self_attn.k_proj.weight", "x.sublayers.0.k_proj.weight"]
    assert find_project([*others, f"{prefix}layers.0.k_proj.weight"]) == prefix


@pytest.mark.parametrize("names", [[], ["a.layers.0.k_proj.weight", "b.layers.0.k_proj.weight"]])
def test_none_or_two_project_modules_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(CheckpointError, match=f"has {len(names)} tensors '...layers.0.k_proj.weight', wanted one"):
        find_project(names)


def test_marks_of_wrappers_leave_the_names() -> None:
    wrapped = {"module.a.layers.0.module.self_attn.module.q_proj.bias": 1, "a.some_module.bias": 2}
    assert without_wrappers(wrapped) == {"a.layers.0.self_attn.q_proj.bias": 1, "a.some_module.bias": 2}
    with pytest.raises(CheckpointError, match=r"has 'a\.b' twice, with and without 'module' in its name"):
        without_wrappers({"a.module.b": 1, "a.b": 2})


def test_layers_are_counted_on_each_side() -> None:
    names = ["encoder.layers.0.a", "encoder.layers.1.a", "encoder.layers.1.b", "decoder.layers.7.a", "encoder.layers"]
    assert (count_layers(names, "encoder"), count_layers(names, "decoder")) == (2, 1)


def test_long_lists_of_names_are_cut() -> None:
    assert listed({"b", "a"}) == "'a', 'b'"
    assert listed({f"n{i}" for i in range(9)}) == "'n0', 'n1', 'n2', 'n3' and 5 more"
