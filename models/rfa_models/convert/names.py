"""Our tensors' names to those of the authors' release, which are fairseq's.

    encoder.3.mlp.0.weight                      encoder.layers.3.fc1.weight
    decoder.3.attention.q_proj.bias             decoder.layers.3.self_attn.q_proj.bias
    decoder.3.cross_attention.k_proj.weight     PROJECT.layers.3.k_proj.weight

PROJECT is the release's shared module that projects the encoder's output for all layers of the decoder.  It is found by
what no other module holds, whatever it is called and wherever it stands: `encoder.cross_attention_project.` in one of
the authors' programs.  That one also wraps modules in others, so that "module" stands between the parts of a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

from rfa_models.errors import CheckpointError
from rfa_models.wording import shown

EMBEDDING = "decoder.embed_tokens.weight"
SOURCE_EMBEDDING = "encoder.embed_tokens.weight"
OUTPUT = "decoder.output_projection.weight"
CAUSAL_SIGMA = "decoder.layers.0.self_attn.sigma"
PROJECT_SIGMA = "layers.0.sigma"
MATRICES = "random_matrices_eval"
"""Of the decoder (causal attention) and of the project module (cross attention): [H, D, d] for evaluation."""
POOL = "random_matrices"
"""Of the same two: [P, D, d] that training draws from."""
DECODER = "decoder."
PROJECTION = "layers.0.k_proj.weight"
"""What no module has but the project module: keys of a layer outside an attention."""
WRAPPER = "module"
"""The part that a wrapper around a module puts into the names of its tensors."""

T = TypeVar("T")

OUTSIDE_LAYERS = {
    "embedding": "decoder.embed_tokens",
    "embedding.tokens": "decoder.embed_tokens",
    "head": "decoder.output_projection",
    "encoder_norm": "encoder.layer_norm",
    "decoder_norm": "decoder.layer_norm",
    "norm": "decoder.layer_norm",
}
IN_LAYERS = {
    "attention": "self_attn",
    "attention_norm": "self_attn_layer_norm",
    "attention_sum.norm": "self_attn_layer_norm",
    "cross_attention": "encoder_attn",
    "cross_sum.norm": "encoder_attn_layer_norm",
    "mlp.0": "fc1",
    "mlp.2": "fc2",
    "mlp_norm": "final_layer_norm",
    "mlp_sum.norm": "final_layer_norm",
}
OF_PROJECT = ("cross_attention.k_proj", "cross_attention.v_proj", "cross_attention.sigma")
LAYER = re.compile(r"(encoder|decoder|blocks)\.([0-9]+)\.(.+)")


def release_name(name: str, project: str) -> str:
    """The release's name of one of our tensors.  project: the project module's name with its dot."""
    layer = LAYER.fullmatch(name)
    if layer is None:
        stem, _, leaf = name.rpartition(".")
        return f"{OUTSIDE_LAYERS[stem]}.{leaf}"
    side, index, part = layer.groups()
    if part.startswith(OF_PROJECT):
        return f"{project}layers.{index}.{part.removeprefix('cross_attention.')}"
    their_side = "encoder" if side == "encoder" else "decoder"
    return f"{their_side}.layers.{index}.{name_in_layer(part)}"


def name_in_layer(part: str) -> str:
    """The release's name of a tensor within its layer: `mlp.0.weight` is `fc1.weight`."""
    for ours, theirs in IN_LAYERS.items():
        if part.startswith(f"{ours}."):
            return f"{theirs}{part.removeprefix(ours)}"
    raise ValueError(f"{part!r} is no tensor of a layer: add it to IN_LAYERS")


def find_project(names: Iterable[str]) -> str:
    """The project module's name with its dot; empty where its tensors stand at the top.

    Raises CheckpointError where there is none, or more than one.
    """
    found = []
    for name in names:
        if f".{name}".endswith(f".{PROJECTION}"):  # the module may stand at the top, so that its name is empty
            found.append(name.removesuffix(PROJECTION))
    if len(found) != 1:
        raise CheckpointError(
            f"has {len(found)} tensors '...{PROJECTION}', wanted one, that of cross attention: "
            "was it trained with Random Feature Attention in its decoder?"
        )
    return found[0]


def without_wrappers(tensors: dict[str, T]) -> dict[str, T]:
    """The same under the names that they have without wrappers: `layers.0.module.fc1.bias` is `layers.0.fc1.bias`.

    Raises CheckpointError where two names become one.
    """
    plain = {}
    for name, tensor in tensors.items():
        parts = [part for part in name.split(".") if part != WRAPPER]
        short = ".".join(parts)
        if short in plain:
            raise CheckpointError(
                f"has {shown(short)} twice, with and without '{WRAPPER}' in its name: keep one of them"
            )
        plain[short] = tensor
    return plain


def count_layers(names: Iterable[str], side: str) -> int:
    """How many layers the `encoder` or the `decoder` has, by the names of its tensors."""
    beginning = f"{side}.layers."
    numbers = set()
    for name in names:
        if name.startswith(beginning):
            number, dot, _ = name.removeprefix(beginning).partition(".")
            if dot:
                numbers.add(number)
    return len(numbers)


def listed(names: Collection[str], most: int = 4) -> str:
    """The first few names, and how many more there are, for a message."""
    first = ", ".join(map(shown, sorted(names)[:most]))
    if len(names) > most:
        return f"{first} and {len(names) - most:,} more"
    return first
