"""What changes logits before a token is chosen: penalties for what was said, biases, and tokens that may not come.

Letters: N vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting

NEVER = -np.inf


class Adjustment:
    """The changes that a config asks for, for the tokens of one text."""

    def __init__(self, config: SamplingConfig, vocab_size: int, prompt: list[int]) -> None:
        """Start with what a repetition is measured against.  Raises OptionError for tokens that the model lacks."""
        self._config = config
        self._known = np.zeros(vocab_size, bool)
        """Whether a token came in the prompt or in the text."""
        self._said = np.zeros(vocab_size, np.int32)
        """How often it came in the text."""
        if config.repetition_penalty != 1:
            self._known[prompt] = True
        bias = dict(config.logit_bias)
        check_known("logit_bias", bias, vocab_size)
        check_known("banned_tokens", config.banned_tokens, vocab_size)
        self._biased = np.array(list(bias), np.int64)
        self._biases = np.array(list(bias.values()), np.float32)
        self._banned = np.array(config.banned_tokens, np.int64)

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return changed logits.  float32 [N], left as they are."""
        config = self._config
        changed = logits.copy()
        if config.repetition_penalty != 1:
            changed = penalize(changed, self._known, config.repetition_penalty)
        if config.presence_penalty or config.frequency_penalty:
            said = np.flatnonzero(self._said)
            changed[said] -= config.presence_penalty + config.frequency_penalty * self._said[said]
        changed[self._biased] += self._biases
        changed[self._banned] = NEVER
        return changed

    def note(self, token: int) -> None:
        """Take note of a token that was chosen."""
        self._known[token] = True
        self._said[token] += 1


def check_known(name: str, tokens: Iterable[int], vocab_size: int) -> None:
    """Raise OptionError for a token that the model has not."""
    for token in tokens:
        if token >= vocab_size:
            raise OptionError(Setting(name), f" names token {token}, the model knows 0 to {vocab_size - 1}")


def penalize(logits: np.ndarray, seen: np.ndarray, penalty: float) -> np.ndarray:
    """Make tokens that were seen less likely: divide what is positive, multiply what is negative.  [N], bool [N]."""
    tokens = np.flatnonzero(seen)
    values = logits[tokens]
    changed = logits.copy()
    changed[tokens] = np.where(values > 0, values / penalty, values * penalty)
    return changed
