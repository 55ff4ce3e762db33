"""The perceptron of a transformer's layer: two products, or three where one of them gates another."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.networks.settings import Activation

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}


def activation_of(name: Activation) -> nn.Module:
    """The module of an activation."""
    if name == "gelu_tanh":
        return nn.GELU(approximate="tanh")
    return ACTIVATIONS[name]()


def perceptron(width: int, hidden: int, activation: Activation = "gelu", bias: bool = True) -> nn.Sequential:
    """The two-layer perceptron of a transformer's layer.  [B, T, E] -> [B, T, E]."""
    return nn.Sequential(nn.Linear(width, hidden, bias), activation_of(activation), nn.Linear(hidden, width, bias))


class GatedPerceptron(nn.Module):
    """down(activation(gate(x)) * up(x)): SwiGLU, where the activation is silu [Shazeer 2020, section 2]."""

    def __init__(self, width: int, hidden: int, activation: Activation, bias: bool) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias)
        self.up_proj = nn.Linear(width, hidden, bias)
        self.down_proj = nn.Linear(hidden, width, bias)
        self.activation = activation_of(activation)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, E] -> [B, T, E].  Both products that read x are one, as one large product is faster than two."""
        weight = torch.cat([self.gate_proj.weight, self.up_proj.weight])
        bias = None
        if self.gate_proj.bias is not None:
            bias = torch.cat([self.gate_proj.bias, self.up_proj.bias])
        gate, value = F.linear(x, weight, bias).chunk(2, dim=-1)
        return self.down_proj(self.activation(gate) * value)
