"""The authors' release to our models: the same numbers under our names, the release's constants as settings.

A translator is a transformer of fairseq with RFA in the decoder, as in the authors' program for documents.  None of
their language models is public: one is taken to be such a decoder alone.  Evaluation there uses one set of random
matrices for causal and one for cross attention, the same in all layers: they become the `random_matrices` of ours
(`matrices.py`).
"""

from __future__ import annotations

from collections.abc import Set

import torch
from torch import Tensor, nn

from rfa_models.attention.cross import RfaCrossAttention
from rfa_models.attention.features import FeatureMaps
from rfa_models.convert.config import cross_heads, language_model_config, same, translator_config
from rfa_models.convert.dictionary import END_ID, START_ID
from rfa_models.convert.matrices import Matrices, stored_matrices
from rfa_models.convert.names import (
    DECODER,
    EMBEDDING,
    MATRICES,
    OUTPUT,
    POOL,
    SOURCE_EMBEDDING,
    find_project,
    listed,
    release_name,
)
from rfa_models.convert.release import Release
from rfa_models.errors import CheckpointError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.translator import Translator

BUFFER = ".random_matrices"
"""Only in our models: the release keeps these matrices outside its layers."""
CAUSAL_MATRICES = frozenset({DECODER + MATRICES, DECODER + POOL})
"""In files of the release; `matrices.py` has read them."""


def is_translator(release: Release) -> bool:
    """Whether there is an encoder; else it is a language model."""
    return any(name.startswith("encoder.") for name in release.tensors)


def convert_language_model(release: Release, matrices: Matrices) -> LanguageModel:
    """A model that is only a decoder.  Raises CheckpointError, or ConfigError for settings that cannot work."""
    with torch.device("meta"):
        model = LanguageModel(language_model_config(release, matrices))
    tensors = renamed(release, model, "", CAUSAL_MATRICES)
    tensors["embedding.weight"] = scaled(tensors["embedding.weight"], release)
    fill(model, tensors, {"causal": matrices.first})
    if model.config.tie_embeddings:
        model.head.weight = model.embedding.weight
    return model


def convert_translator(release: Release, matrices: Matrices) -> Translator:
    """A model with an encoder and a decoder.  Raises CheckpointError, or ConfigError for settings that cannot work.

    fairseq starts a target with the end token, ours start with `<s>`, which fairseq's models never read: its vector
    becomes that of the end token.  So the embedding is no longer that of the output.
    """
    project = find_project(release.tensors)
    cross = cross_matrices(release, project)
    with torch.device("meta"):
        model = Translator(translator_config(release, matrices, cross))
    others = CAUSAL_MATRICES | {project + MATRICES, project + POOL, SOURCE_EMBEDDING}
    tensors = renamed(release, model, project, others)
    check_one_vocabulary(release)
    embedding = scaled(tensors["embedding.tokens.weight"], release).clone()
    if len(embedding) <= END_ID:
        raise CheckpointError(f"knows {len(embedding)} tokens, dictionaries of fairseq have more: is it a translator?")
    embedding[START_ID] = embedding[END_ID]
    tensors["embedding.tokens.weight"] = embedding
    fill(model, tensors, {"causal": matrices.first, "cross": cross.first})
    return model


def cross_matrices(release: Release, project: str) -> Matrices:
    """The random matrices of cross attention, which the project module holds.  Raises CheckpointError."""
    heads, head_dim = cross_heads(release, project)
    found = stored_matrices(release, project, heads, head_dim, release.settings.cross_proj_dim)
    if found is None:
        raise CheckpointError(f"has no tensor {project + MATRICES!r}: random matrices of cross attention are needed")
    return found


def renamed(release: Release, model: nn.Module, project: str, others: Set[str]) -> dict[str, Tensor]:
    """The release's tensors under our names: all that the model needs and, but for `others`, no more.

    Raises CheckpointError where one is missing, unknown or of another shape.
    """
    expected = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith(BUFFER)}
    names = {name: release_name(name, project) for name in expected}
    found = {OUTPUT: release.tensors[EMBEDDING]} | release.tensors
    check_names(found.keys(), set(names.values()), others, project)
    tensors = {}
    for name, theirs in names.items():
        tensor = found[theirs]
        wanted = expected[name].shape
        if tensor.shape != wanted:
            raise CheckpointError(
                f"tensor {theirs!r} has shape {tuple(tensor.shape)}, the others go with {tuple(wanted)}"
            )
        tensors[name] = tensor
    return tensors


def check_names(found: Set[str], wanted: Set[str], others: Set[str], project: str) -> None:
    """Raise CheckpointError unless all wanted tensors were found and, but for `others`, no more."""
    missing = wanted - found
    unknown = found - wanted - others
    faults = []
    if missing:
        faults.append(f"has no {listed(missing)}")
    if unknown:
        faults.append(f"has {listed(unknown)}, not known")
    if faults:
        reader = f" (with {project!r} as the module that reads the encoder)" if project else ""
        raise CheckpointError(f"{' and '.join(faults)}{reader}: such an architecture cannot be converted")


def check_one_vocabulary(release: Release) -> None:
    """Raise CheckpointError where source and target have two embeddings."""
    source = release.tensors.get(SOURCE_EMBEDDING)
    target = release.tensors[EMBEDDING]
    if source is not None and not same(source, target):
        raise CheckpointError(
            f"{SOURCE_EMBEDDING!r} and {EMBEDDING!r} differ: only models with one dictionary and one embedding for "
            "both languages (fairseq's --joined-dictionary and --share-all-embeddings) can be converted"
        )


def scaled(embedding: Tensor, release: Release) -> Tensor:
    """The embedding as our models read it: they multiply it by the root of its width, fairseq's only if they scale."""
    if release.settings.no_scale_embedding:
        return embedding * embedding.shape[1] ** -0.5
    return embedding


def fill(model: nn.Module, tensors: dict[str, Tensor], matrices: dict[str, Tensor]) -> None:
    """Give a model that was made without memory its tensors, and every RFA layer its random matrices.

    matrices: of `causal` and of `cross` attention, [H, D, d] each.
    """
    for name, module in model.named_modules():
        if isinstance(module, FeatureMaps):
            kind = "cross" if isinstance(module, RfaCrossAttention) else "causal"
            tensors[name + BUFFER] = matrices[kind]
    model.load_state_dict(tensors, assign=True)
    model.eval()
