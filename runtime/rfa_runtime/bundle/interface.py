"""The words that a bundle and its runtimes agree on: tasks, roles of graphs, names of inputs and outputs.

They are spelled in this file only.  The names of inputs and outputs are those of onnxruntime-genai, so one bundle
serves every runtime that speaks them.
"""

from __future__ import annotations

from typing import Final, Literal

Task = Literal["language-model", "translation", "classification"]
LANGUAGE_MODEL: Final = "language-model"
TRANSLATION: Final = "translation"
CLASSIFICATION: Final = "classification"

MODEL = "model"
"""The graph that takes a step, or classifies."""
PREFILL = "prefill"
"""The graph that reads a prompt, where that is a graph by itself."""
THROUGHPUT = "throughput"
"""The graph that takes a step of many tokens or rows, where that is a graph by itself."""
SCORE = "score"
"""The graph that gives the logits of all positions."""
ENCODER = "encoder"
"""The graph that reads the source of a translator."""
OUR_TARGET = "ort"
"""The target whose graphs have the plain roles: rfa-runtime asks for these."""

INPUT_IDS = "input_ids"
"""int64 [batch, sequence]: the tokens."""
POSITION_IDS = "position_ids"
"""int64 [batch, sequence]: their places, where the model has positions."""
ATTENTION_MASK = "attention_mask"
"""int64 [batch, sequence]: 1 is a token, 0 is padding.  Only encoders and classifiers have it."""
PAIR = "pair_"
"""Begins the names of the inputs for the second of two texts."""
SEQLENS_K = "seqlens_k"
"""int32 [batch]: valid tokens after this step, minus one.  Only softmax models have it."""
TOTAL_SEQUENCE_LENGTH = "total_sequence_length"
"""int32 scalar: the longest of the batch after this step.  Only softmax models have it."""
CROSS_MASK = "cross_key_values.mask"
"""int32 [batch, source]: which keys of a source are tokens.  Only softmax translators have it."""

LOGITS = "logits"
TOP_LOGIT = "top_logit"
"""float32 [batch, 1, 1]: the logit of the most likely token.  Only step graphs have it."""
TOP_TOKEN = "top_token"
"""int64 [batch, 1, 1]: the most likely token.  Only step graphs have it."""

BATCH = "batch"
SEQUENCE = "sequence"
PAIR_SEQUENCE = "pair_sequence"
CAPACITY = "capacity"
"""Tokens that a cache has room for."""
SOURCE = "source"
"""Tokens of a source."""

STEP_INPUTS = (INPUT_IDS, POSITION_IDS, SEQLENS_K, TOTAL_SEQUENCE_LENGTH)
"""What a step graph may ask for besides its states."""
TEXT_INPUTS = (INPUT_IDS, ATTENTION_MASK, POSITION_IDS)
"""What a graph may ask for that reads whole texts."""


TOKENIZER = "tokenizer.json"
"""The file that says which text a token is, where a bundle has one."""


def role_in_bundle(role: str, target: str) -> str:
    """The name under which a bundle holds a target's graph."""
    return role if target == OUR_TARGET else f"{role}.{target}"
