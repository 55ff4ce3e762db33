"""What a model of the release is, read from the shapes of its tensors and, where these do not say it, its settings."""

from __future__ import annotations

import torch
from torch import Tensor

from rfa_models.attention.config import AttentionConfig
from rfa_models.convert.matrices import Matrices
from rfa_models.convert.names import CAUSAL_SIGMA, EMBEDDING, OUTPUT, PROJECT_SIGMA, count_layers
from rfa_models.convert.release import Release
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.settings import Positions
from rfa_models.networks.translator_config import Norm, TranslatorConfig
from rfa_runtime.wording import Setting

NORMS: dict[bool, Norm] = {True: "pre", False: "post"}
"""By whether there is a last norm, which normalized sums do not need."""


def language_model_config(release: Release, matrices: Matrices) -> ModelConfig:
    """Of a model that is only a decoder.  Raises CheckpointError or ConfigError."""
    if norm_of(release, "decoder") == "post":
        raise CheckpointError(
            "has no decoder.layer_norm: language models that normalize after each branch, or not at the end, "
            "cannot be converted"
        )
    return ModelConfig(
        vocab_size=vocab_size(release),
        layers=count_layers(release.tensors, "decoder"),
        mlp_width=shape(release, "decoder.layers.0.fc1.weight", 2)[0],
        dropout=release.settings.dropout,
        activation=release.settings.activation_fn,
        tie_embeddings=is_tied(release) and not release.settings.no_scale_embedding,
        positions=positions(release),
        attention=causal_attention(release, matrices),
    )


def translator_config(release: Release, causal: Matrices, cross: Matrices) -> TranslatorConfig:
    """Of a model with an encoder and a decoder.  Raises CheckpointError or ConfigError."""
    norm = norm_of(release, "decoder")
    if norm_of(release, "encoder") != norm:
        raise CheckpointError(
            "only its encoder, or only its decoder, normalizes before each branch, wanted both or none"
        )
    return TranslatorConfig(
        vocab_size=vocab_size(release),
        encoder_layers=count_layers(release.tensors, "encoder"),
        decoder_layers=count_layers(release.tensors, "decoder"),
        mlp_width=shape(release, "decoder.layers.0.fc1.weight", 2)[0],
        dropout=release.settings.dropout,
        norm=norm,
        activation=release.settings.activation_fn,
        positions=positions(release),
        tie_embeddings=False,
        encoder_attention=encoder_attention(release),
        causal_attention=causal_attention(release, causal),
        cross_attention=cross_attention(release, cross),
    )


def encoder_attention(release: Release) -> AttentionConfig:
    """Softmax attention.  No shape shows its number of heads: the settings must say it, else ConfigError is raised."""
    heads = release.settings.encoder_attention_heads
    _, width = shape(release, EMBEDDING, 2)
    if heads is None:
        raise ConfigError("does not say how many heads its encoder has: add ", Setting("encoder_attention_heads"))
    return AttentionConfig(kind="softmax", heads=heads, head_dim=width // heads)


def causal_attention(release: Release, matrices: Matrices) -> AttentionConfig:
    """RFA with the constants of the program's causal attention."""
    heads, vectors, head_dim = matrices.first.shape
    return AttentionConfig(
        heads=heads,
        head_dim=head_dim,
        random_vectors=vectors,
        tau=release.settings.causal_tau,
        **{**release.program.causal, "pool_size": matrices.pool_size},
    )


def cross_attention(release: Release, matrices: Matrices) -> AttentionConfig:
    """RFA with the constants of the program's cross attention."""
    heads, vectors, head_dim = matrices.first.shape
    return AttentionConfig(
        heads=heads,
        head_dim=head_dim,
        random_vectors=vectors,
        tau=release.settings.cross_tau,
        **{**release.program.cross, "pool_size": matrices.pool_size},
    )


def positions(release: Release) -> Positions:
    """fairseq's sinusoids, or none.  Learned positions are a tensor that is not known, so they are refused later."""
    return "none" if release.settings.no_token_positional_embeddings else "fairseq"


def norm_of(release: Release, side: str) -> Norm:
    """Where the `encoder` or the `decoder` normalizes."""
    return NORMS[f"{side}.layer_norm.weight" in release.tensors]


def causal_heads(release: Release) -> tuple[int, int]:
    """H and d of the decoder's causal attention.  Raises CheckpointError."""
    heads, _, head_dim = shape(release, CAUSAL_SIGMA, 3)
    return heads, head_dim


def cross_heads(release: Release, project: str) -> tuple[int, int]:
    """H and d of cross attention.  project: name of the shared module.  Raises CheckpointError."""
    heads, _, head_dim = shape(release, project + PROJECT_SIGMA, 3)
    return heads, head_dim


def vocab_size(release: Release) -> int:
    """N, the number of tokens.  Raises CheckpointError."""
    return shape(release, EMBEDDING, 2)[0]


def is_tied(release: Release) -> bool:
    """Whether the embedding serves as the output projection, too."""
    embedding = release.tensors[EMBEDDING]
    return same(embedding, release.tensors.get(OUTPUT, embedding))


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are one, or hold the same numbers."""
    return one is other or torch.equal(one, other)


def shape(release: Release, name: str, dimensions: int) -> tuple[int, ...]:
    """Sizes of a tensor.  Raises CheckpointError where it is missing or has another number of dimensions."""
    if name not in release.tensors:
        raise CheckpointError(f"has no tensor {name!r}: is it a model of the release?")
    found = tuple(release.tensors[name].shape)
    if len(found) != dimensions:
        raise CheckpointError(f"tensor {name!r} has shape {found}, wanted {dimensions} dimensions")
    return found
