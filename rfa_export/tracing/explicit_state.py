"""A module as a function of its state, in torch: what TorchScript and torch.export are given.

As the graph pass `thread_state` does for ONNX, this makes the state of every attention layer an argument and a result,
of any module built from our layers; it knows operators, not architectures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from rfa_models.attention import operators
from rfa_models.attention.linear_attention import State, one_token, quadratic, with_normalizer
from rfa_models.attention.operators import IN_TORCH


class ExplicitState(nn.Module):
    """`forward(*inputs, *past states, *memory) -> (logits of the last position, *present states)`."""

    def __init__(self, module: nn.Module, inputs: int, states: int) -> None:
        """module: `forward(*inputs[, memory]) -> logits`.  inputs, states: how many there are of each."""
        super().__init__()
        self.module = module
        self.inputs = inputs
        self.states = states

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Inputs: int64 [B, T].  States: [B, H, K, d] and [B, H, K, 1] of each layer.

        memory: what an encoder gave, for a translator's decoder.

        Returns logits [B, 1, N] and the states after the last token.  Cost is quadratic in T: it reads a chunk.
        """
        end = self.inputs + self.states
        inputs = given[: self.inputs]
        memory = given[end:]
        threaded = ThreadedState(given[self.inputs : end])
        with operators.using(replace(IN_TORCH, linear_attention=threaded.linear_attention)):
            logits = self.module(*inputs, memory) if memory else self.module(*inputs)
        return logits[:, -1:], *threaded.present


class ThreadedState:
    """Attention that takes its past from a row of states and leaves its present in another."""

    def __init__(self, past: tuple[Tensor, ...]) -> None:
        """past: the sums [B, H, K, d], then their normalizer [B, H, K, 1], of each layer as they are called."""
        self.past = past
        self.present: list[Tensor] = []

    def linear_attention(
        self,
        phi_q: Tensor,
        phi_k: Tensor,
        v: Tensor,
        weight: Tensor,
        log_decay: Tensor | None = None,
        past_state: Any = None,
        *,
        heads: int,
        scale: float = 1.0,
        chunk: int = 64,
    ) -> tuple[Tensor, Tensor, State]:
        """What `rfa_models.attention.linear_attention.linear_attention` computes, for the next layer in order."""
        place = len(self.present)
        past = (self.past[place], self.past[place + 1])
        form = one_token if phi_q.shape[1] == 1 else quadratic
        query = (phi_q * scale).unflatten(-1, (heads, -1))
        key = phi_k.unflatten(-1, (heads, -1))
        value = v.unflatten(-1, (heads, -1))
        numerator, denominator, state = with_normalizer(form, query, key, value, weight, log_decay, past)
        self.present += state
        return numerator.flatten(2), denominator, state
