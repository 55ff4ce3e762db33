"""The product's central claim: any module around our attention becomes a step graph without export code of its own.

The package has seen none of these: each has blocks, positions and wiring of its own, and from us only the attention.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from small_models import assert_decodes_as_torch, attention_config, disturbed, random_ids, split_at_random
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
from rfa_models.attention.neighbours import ShortConvolution, TokenShift
from rfa_runtime.bundle.bundle import Bundle

PREFILL, LENGTH = 32, 128


class SwiGlu(nn.Module):
    """A gated perceptron."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, -1)
        return self.down(F.silu(gate) * value)


State = tuple[int, str, tuple[int | str, ...]]
"""Layer, name and shape."""


class ParallelBlock(nn.Module):
    """Attention and perceptron side by side, as in GPT-J; attention itself is two kinds, mixed by a learned share."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.mlp, self.share = nn.RMSNorm(16), SwiGlu(16), nn.Linear(16, 16)
        self.near = RfaAttention(attention_config(gate=True))
        self.far = RfaAttention(
            attention_config(heads=4, head_dim=4, feature_map="arccos", denominator="clamp", denominator_floor=0.1)
        )

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        share = self.share(normed).sigmoid()
        mixed = share * self.near(normed)[0] + (1 - share) * self.far(normed)[0]
        return x + mixed + self.mlp(normed)


class ParallelModel(nn.Module):
    """Such a block between an embedding with learned frequencies of position and a head with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.frequency = nn.Embedding(50, 16), nn.Parameter(torch.rand(16))
        self.block = ParallelBlock()
        self.norm, self.head = nn.RMSNorm(16), nn.Linear(16, 50)

    def forward(self, input_ids: Tensor, position_ids: Tensor) -> Tensor:
        x = self.embed(input_ids) + torch.cos(position_ids.unsqueeze(-1) * self.frequency)
        return self.head(self.norm(self.block(x)))


class Hourglass(nn.Module):
    """Down to a narrow middle and up again: one attention layer serves both ends, so it has two states."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 24)
        self.outer = RfaAttention(attention_config(heads=3, gate=True))
        self.inner = RfaAttention(attention_config(heads=1))
        self.down, self.up, self.head = nn.Linear(24, 8), nn.Linear(8, 24), nn.Linear(48, 50, bias=False)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embed(input_ids)
        top, _ = self.outer(x)
        middle, _ = self.inner(torch.tanh(self.down(x + top)))
        bottom, _ = self.outer(top + self.up(middle))
        return 5 * torch.tanh(self.head(torch.cat([top, bottom], -1)) / 5)


class Mixture(nn.Module):
    """Every other layer remembers everything, by softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(50, 16), nn.Linear(16, 50)
        softmax = [SoftmaxAttention(attention_config(kind="softmax")) for _ in range(2)]
        self.layers = nn.ModuleList([softmax[0], RfaAttention(attention_config(gate=True)), softmax[1]])

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embed(input_ids)
        for layer in self.layers:
            x = x + layer(F.layer_norm(x, (16,)))[0]
        return self.head(x)


class Neighbours(nn.Module):
    """A token shift, a short convolution, and attention that reads its last five tokens exactly, and its first two."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(50, 32), nn.Linear(32, 50)
        self.shift, self.convolution = TokenShift(32), ShortConvolution(32, taps=3)
        near = attention_config(heads=4, kv_heads=2, rope_theta=100.0, gate=True, key_weight=True, window=5, sinks=2)
        far = attention_config(heads=4, kv_heads=1, learned_vectors=True, gate=True, gate_half_life=16.0)
        self.near, self.far = RfaAttention(near), RfaAttention(far)

    def forward(self, input_ids: Tensor, position_ids: Tensor) -> Tensor:
        x = self.embed(input_ids)
        shifted, _ = self.shift(x)
        x = x + torch.tanh(shifted)
        mixed, _ = self.convolution(F.layer_norm(x, (32,)))
        x = x + F.silu(mixed)
        x = x + self.near(F.layer_norm(x, (32,)), position_ids=position_ids)[0]
        x = x + self.far(F.layer_norm(x, (32,)))[0]
        return self.head(x)


def recurrent(layer: int, heads: int, features: int, values: int) -> list[State]:
    """The two states of a layer of linear attention."""
    return [
        (layer, "recurrent_state", ("batch", heads, features, values)),
        (layer, "normalizer_state", ("batch", heads, features, 1)),
    ]


STATES = {
    ParallelModel: [*recurrent(0, 2, 32, 8), *recurrent(1, 4, 16, 4)],
    Hourglass: [*recurrent(0, 3, 32, 8), *recurrent(1, 1, 32, 8), *recurrent(2, 3, 32, 8)],
    Mixture: [
        *((0, name, ("batch", 2, "capacity", 8)) for name in ("key", "value")),
        *recurrent(1, 2, 32, 8),
        *((2, name, ("batch", 2, "capacity", 8)) for name in ("key", "value")),
    ],
    Neighbours: [
        (0, "shift_state", ("batch", 1, 32)),
        (0, "conv_state", ("batch", 2, 32)),
        (0, "window_state", ("batch", 5, 2 * (8 + 8 + 1 + 1) + 1)),
        (0, "count_state", ("batch", 1, 1, 1)),
        (0, "sink_state", ("batch", 1, 2, 2 * (8 + 8 + 1 + 1) + 1)),
        *recurrent(0, 2, 32, 8),
        *recurrent(1, 1, 32, 8),
    ],
}


@pytest.mark.parametrize("kind", STATES)
def test_a_module_never_seen_before_decodes_token_by_token(kind: type, export: Callable[..., Bundle]) -> None:
    torch.manual_seed(0)
    module = disturbed(kind())
    bundle = export(module)
    found = [(spec.past.split(".")[1:], spec.shape) for spec in bundle.manifest.state]
    assert found == [([str(n), name], shape) for n, name, shape in STATES[kind]]
    assert bundle.manifest.vocab_size == 50
    ids = random_ids(3, LENGTH, vocab=50)
    assert_decodes_as_torch(module, bundle, ids, split_at_random(LENGTH, PREFILL))
