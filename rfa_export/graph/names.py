"""The names and shapes of the graph interface, spelled here alone.

They are onnxruntime-genai's, so one bundle serves every runtime that speaks them.  Runtimes of ours learn them from the
manifest.
"""

from __future__ import annotations

from dataclasses import dataclass

INPUT_IDS = "input_ids"
POSITION_IDS = "position_ids"
ATTENTION_MASK = "attention_mask"
"""int64 [batch, sequence]: 1 = token, 0 = padding.  Encoders and classifiers only."""
PAIR = "pair_"
"""Begins the names of the inputs for the second of two texts."""
LOGITS = "logits"
TOP_LOGIT, TOP_TOKEN = "top_logit", "top_token"
"""float32 and int64 [batch, 1, 1]: the most likely token and its logit.  Step graphs only."""
SEQLENS_K = "seqlens_k"
"""int32 [batch]: valid tokens after this step, minus one.  Softmax models only."""
TOTAL_SEQUENCE_LENGTH = "total_sequence_length"
"""int32 scalar: the longest of the batch after this step.  Softmax models only."""
BATCH, SEQUENCE, CAPACITY = "batch", "sequence", "capacity"
SOURCE, PAIR_SEQUENCE = "source", "pair_sequence"
CONTRIB = "com.microsoft"


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

CROSS_MASK = "cross_key_values.mask"
"""int32 [batch, source]: which of a source's keys are tokens.  Softmax translators only."""
CROSS_PARTS = {1: ("recurrent_state",), 2: ("key", "value")}
"""What a layer keeps of a source, by the number of its tensors: the sums of RFA, keys and values of softmax."""


def cross(layer: int, suffix: str) -> str:
    """An output of the encoder, and the input of the decoder that reads it."""
    return f"cross_key_values.{layer}.{suffix}"
