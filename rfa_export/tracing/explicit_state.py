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
from rfa_models.attention.recent import recent
from rfa_models.attention.window.exact import dense_window


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
        in_place = replace(
            IN_TORCH,
            linear_attention=threaded.linear_attention,
            accumulate=threaded.accumulate,
            recent=threaded.recent,
            window_attention=dense_window,
        )
        with operators.using(in_place):
            logits = self.module(*inputs, memory) if memory else self.module(*inputs)
        return logits[:, -1:], *threaded.present


class ThreadedState:
    """Attention that takes its past from a row of states and leaves its present in another."""

    def __init__(self, past: tuple[Tensor, ...]) -> None:
        """past: as the layers are called, of attention the sums [B, G, K, d], then their normalizer [B, G, K, 1]."""
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
        kv_heads: int | None = None,
        scale: float = 1.0,
        chunk: int = 64,
    ) -> tuple[Tensor, Tensor, State]:
        """What `rfa_models.attention.linear_attention.linear_attention` computes, for the next layer in order."""
        place = len(self.present)
        past = (self.past[place], self.past[place + 1])
        form = one_token if phi_q.shape[1] == 1 else quadratic
        groups = kv_heads or heads
        query = (phi_q * scale).unflatten(-1, (heads, -1))
        key = phi_k.unflatten(-1, (groups, -1))
        value = v.unflatten(-1, (groups, -1))
        numerator, denominator, state = with_normalizer(form, query, key, value, weight, log_decay, past)
        self.present += state
        return numerator.flatten(2), denominator, state

    def accumulate(
        self, query: Tensor, key: Tensor, value: Tensor, past_state: Any = None, *, state: str
    ) -> tuple[Tensor, Tensor]:
        """What `rfa_models.attention.linear_attention.accumulate` computes, for the next state in order."""
        form = one_token if query.shape[1] == 1 else quadratic
        past = self.past[len(self.present)]
        output, present = form(query.unsqueeze(2), key.unsqueeze(2), value.unsqueeze(2), None, past)
        self.present.append(present)
        return output.squeeze(2), present

    def recent(self, x: Tensor, length: int, past: Any = None, *, state: str) -> tuple[Tensor, Tensor]:
        """What `rfa_models.attention.recent.recent` computes, for the next state in order."""
        joined, present = recent(x, length, self.past[len(self.present)], state=state)
        self.present.append(present)
        return joined, present
