"""What every attention layer has: linear layers that make queries, keys, values, and the output.

Parts that read the same tensor are computed by one product, as one large product is faster than several small ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention.config import AttentionConfig

Affine = tuple[Tensor, Tensor | None]
"""Weight [outputs, inputs] and bias [outputs], or None."""


class Projections(nn.Module):
    """The parent of all attention layers.  Checkpoints know the four layers by these names."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        self.q_proj = nn.Linear(config.width, config.width, config.qkv_bias)
        self.k_proj = nn.Linear(config.width, config.kv_width, config.qkv_bias)
        self.v_proj = nn.Linear(config.width, config.kv_width, config.qkv_bias)
        self.out_proj = nn.Linear(config.width, config.width, config.out_bias)

    def reset_projections(self) -> None:
        """Initialize as the authors' RFA layers do: Xavier with gain 1/sqrt(2) for all four, a zero bias of the output.

        The other biases stay as torch draws them for a linear layer.  Softmax layers begin alike, to be compared.
        """
        for projection in (self.q_proj, self.k_proj, self.v_proj, self.out_proj):
            nn.init.xavier_uniform_(projection.weight, gain=2**-0.5)
        if self.out_proj.bias is not None:
            nn.init.zeros_(self.out_proj.bias)


def affine(projection: nn.Linear) -> Affine:
    """Weight and bias of a linear layer."""
    return projection.weight, projection.bias


def project_together(x: Tensor, *parts: Affine) -> Tensor:
    """The outputs of several linear layers side by side.  x: [B, T, E] -> [B, T, sum of their outputs]."""
    weights = [weight for weight, _ in parts]
    if all(bias is None for _, bias in parts):
        return F.linear(x, torch.cat(weights))
    biases = [weight.new_zeros(len(weight)) if bias is None else bias for weight, bias in parts]
    return F.linear(x, torch.cat(weights), torch.cat(biases))


def with_constant_one(v_proj: nn.Linear, config: AttentionConfig) -> Affine:
    """The value projection with one more output for each head, its last: the constant one.

    Its weight is a row of zeros, its bias 1.  The last column of the state is then the normalizer z.
    """
    weight = v_proj.weight.unflatten(0, (config.heads, config.head_dim))
    bias = v_proj.weight.new_zeros(config.width) if v_proj.bias is None else v_proj.bias
    bias = bias.unflatten(0, (config.heads, config.head_dim))
    return F.pad(weight, (0, 0, 0, 1)).flatten(0, 1), F.pad(bias, (0, 1), value=1.0).flatten()


def constant_one(like: nn.Linear, outputs: int) -> Affine:
    """A projection of what `like` reads whose every output is the constant one: in a graph, ones of the right size."""
    weight = like.weight.new_zeros(outputs, like.in_features)
    return weight, like.weight.new_ones(outputs)


def at_least_float32(x: Tensor) -> Tensor:
    """Autocast's half precision back to float32: sums over many tokens need it."""
    if x.dtype in (torch.float16, torch.bfloat16):
        return x.float()
    return x
