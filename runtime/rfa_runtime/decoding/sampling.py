"""From logits to the next token.

Letters: N vocabulary, C candidates still in the draw.
"""

from __future__ import annotations

import numpy as np

from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.session.logits import check_finite, most_likely_token


class Sampler:
    """Chooses the tokens of one sequence."""

    def __init__(self, config: SamplingConfig, vocab_size: int, prompt: list[int], row: int = 0) -> None:
        """Start with what a repetition is measured against.

        row: gives each sequence of a batch a random stream of its own, whatever else is in the batch.
        """
        self._config = config
        self._greedy = config.greedy
        self._rng = np.random.default_rng(None if config.seed is None else [config.seed, row])
        self._seen: np.ndarray | None = None
        if config.repetition_penalty != 1:
            self._seen = np.zeros(vocab_size, bool)
            self._seen[prompt] = True

    def choose(self, logits: np.ndarray) -> int:
        """Return the next token.  logits: float32 [N], left as they are."""
        if self._greedy:  # the shortest way
            return most_likely_token(logits)
        if self._seen is not None:
            logits = penalize(logits, self._seen, self._config.repetition_penalty)
        if self._config.temperature == 0:
            token = most_likely_token(logits)
        else:
            token = draw(logits, self._config, self._rng)
        if self._seen is not None:
            self._seen[token] = True
        return token


def draw(logits: np.ndarray, config: SamplingConfig, rng: np.random.Generator) -> int:
    """Draw a token: temperature, then top-k, then top-p, then min-p.  logits: [N]."""
    check_finite(logits.max().item())
    if config.top_k is not None and config.top_k < len(logits):
        tokens = np.argpartition(logits, -config.top_k)[-config.top_k :]
        tokens.sort()  # argpartition's own order depends on the values of tokens that are left out
    else:
        tokens = np.arange(len(logits))
    probabilities = softmax(logits[tokens], config.temperature)
    if config.top_p is not None:
        kept = most_likely(probabilities, config.top_p)
        tokens = tokens[kept]
        probabilities = probabilities[kept]
    if config.min_p is not None:
        kept = np.flatnonzero(probabilities >= config.min_p * probabilities.max())
        tokens = tokens[kept]
        probabilities = probabilities[kept]
    heaps = probabilities.cumsum()
    place = heaps.searchsorted(rng.random() * heaps[-1], side="right")
    return int(tokens[min(place, len(tokens) - 1)])


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities in float64.  logits: [C]."""
    exact = logits.astype(np.float64)
    with np.errstate(over="ignore"):  # so small a temperature that only the most likely tokens are left
        weights = np.exp((exact - exact.max()) / temperature)
    return np.asarray(weights / weights.sum())


def most_likely(probabilities: np.ndarray, mass: float) -> np.ndarray:
    """Return the indices of the fewest probabilities that add up to `mass`; always one at least.  [C] -> [kept]."""
    # All below this bound together have less than 1 - mass: the others suffice, and few are left to sort.
    likely = np.flatnonzero(probabilities >= (1 - mass) / len(probabilities))
    order = likely[np.argsort(-probabilities[likely], kind="stable")]
    before = probabilities[order].cumsum() - probabilities[order]
    return np.sort(order[: max(1, int((before < mass).sum()))])


def penalize(logits: np.ndarray, seen: np.ndarray, penalty: float) -> np.ndarray:
    """Make tokens that were seen less likely: divide what is positive, multiply what is negative.  [N], bool [N]."""
    tokens = np.flatnonzero(seen)
    values = logits[tokens]
    changed = logits.copy()
    changed[tokens] = np.where(values > 0, values / penalty, values * penalty)
    return changed
