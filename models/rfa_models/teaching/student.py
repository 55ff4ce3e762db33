"""The student before its first lesson: all weights of the teacher, and random features where softmax was."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.attention.causal import RfaAttention
from rfa_models.attention.projections import affine, project_together
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.teaching.lessons import heard

NEW = (
    "sigma",
    "random_matrices",
    "side_matrices",
    "attention.gate_proj.weight",
    "attention.gate_proj.bias",
    "key_proj.weight",
    "key_proj.bias",
    "log_share",
)
"""What a layer of the student has and a layer of the teacher has not."""
SMALLEST_SIGMA = 0.3
LARGEST_SIGMA = 1.0
"""So few random vectors cannot show a narrower kernel, they only become noise.  A student that begins with a smooth one
finds its way: after 500,000 tokens it has 1.129 times its teacher's perplexity, with at most 2.5 here 1.152."""


def new_student(teacher: LanguageModel, config: ModelConfig, ids: Tensor) -> LanguageModel:
    """Make the student.  ids: int64 [B, T], a text that shows how long the teacher's queries and keys are."""
    student = LanguageModel(config).to(ids.device)
    student.load_state_dict(teacher.state_dict(), strict=False)
    if config.tie_embeddings:
        student.head.weight = student.embedding.weight
    with torch.no_grad():
        inputs = heard(teacher, ids).inputs
        for layer, x in zip(student.attentions(), inputs, strict=True):
            if isinstance(layer, RfaAttention) and layer.config.is_random:
                layer.sigma.copy_(sigma_like_softmax(layer, x))
    return student


def sigma_like_softmax(layer: RfaAttention, x: Tensor) -> Tensor:
    """Sigma that gives unit vectors softmax's kernel of vectors of the mean length: sigma^2 = |q||k| / sqrt(d).

    exp(-sigma^2 |q' - k'|^2 / 2) of unit vectors is exp(sigma^2 q'.k') but for a factor.  x: [B, T, E] -> [G, 1, d].
    """
    config = layer.config
    packed = project_together(x, affine(layer.q_proj), affine(layer.k_proj))
    lengths = packed.unflatten(-1, (-1, config.head_dim)).norm(dim=-1).mean((0, 1))
    of_queries, of_keys = lengths.split([config.heads, config.groups])
    of_queries = of_queries.unflatten(0, (config.groups, -1)).mean(1)
    sigma = (of_queries * of_keys * config.head_dim**-0.5).sqrt()
    return sigma.clamp(SMALLEST_SIGMA, LARGEST_SIGMA)[:, None, None].expand_as(layer.sigma)


def new_parameters(model: LanguageModel) -> list[nn.Parameter]:
    """What the teacher has not."""
    return [parameter for name, parameter in model.named_parameters() if name.endswith(NEW)]


def query_and_key_parameters(model: LanguageModel) -> list[nn.Parameter]:
    """The projections that features are made of."""
    found: list[nn.Parameter] = []
    for layer in model.attentions():
        found += layer.q_proj.parameters()
        found += layer.k_proj.parameters()
    return found


def other_parameters(model: LanguageModel) -> list[nn.Parameter]:
    """All that the teacher has, too."""
    return [parameter for name, parameter in model.named_parameters() if not name.endswith(NEW)]
