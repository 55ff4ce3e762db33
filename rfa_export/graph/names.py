"""The names of state tensors, which no runtime of ours spells: it learns them from the manifest.

They are onnxruntime-genai's, as all names of the graph interface are; the others stand in
`rfa_runtime/bundle/interface.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTRIB = "com.microsoft"
OURS = "rfa"
"""The domain of operators that no runtime has: a pass writes them in others."""
RECENT = "Recent"
"""The last rows of a sequence with the new ones behind them; the attribute `state` names what is carried."""


@dataclass(frozen=True)
class StateSlot:
    """Where an operator takes and gives one of its states."""

    past_input: int
    present_output: int
    suffix: str
    kind: str
    """`recurrent`: of fixed size.  `cache`: grows with the sequence."""

    def past(self, layer: int) -> str:
        """The graph input's name."""
        return f"past_key_values.{layer}.{self.suffix}"

    def present(self, layer: int) -> str:
        """The graph output's name."""
        return f"present.{layer}.{self.suffix}"


STATEFUL: dict[str, tuple[StateSlot, ...]] = {
    "LinearAttention": (StateSlot(3, 1, "recurrent_state", "recurrent"),),
    "GroupQueryAttention": (StateSlot(3, 1, "key", "cache"), StateSlot(4, 2, "value", "cache")),
}
"""Operators that carry a state from step to step."""

STATE = "state"
"""The attribute that names what a node carries, until the state is threaded."""
RECENT_PAST = 1
"""Which input of Recent the rows from before are."""
RECENT_PRESENT = 1
"""Which output of Recent the rows for later are."""

NORMALIZER = StateSlot(3, 1, "normalizer_state", "recurrent")
"""Of the second `LinearAttention` of a layer, which sums up what the values are divided by."""

CROSS_PARTS = {1: ("recurrent_state",), 2: ("key", "value")}
"""What a layer keeps of a source, by the number of its tensors: the sums of RFA, keys and values of softmax."""


def cross(layer: int, suffix: str) -> str:
    """An output of the encoder, and the input of the decoder that reads it."""
    return f"cross_key_values.{layer}.{suffix}"
