"""From logits to the next token.

Letters: N vocabulary, C candidates still in the draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfa_runtime.decoding.adjusting import NEVER, Adjustment
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError
from rfa_runtime.session.logits import check_finite, most_likely_token

SMALLEST = np.finfo(np.float64).tiny
"""A probability whose surprise is still a number."""


class Sampler:
    """Chooses the tokens of one sequence."""

    def __init__(self, config: SamplingConfig, vocab_size: int, prompt: list[int], row: int = 0) -> None:
        """Start after a prompt.

        row: gives each sequence of a batch a random stream of its own, whatever else is in the batch.
        """
        self._config = config
        self._rng = np.random.default_rng(None if config.seed is None else [config.seed, row])
        self._adjustment = Adjustment(config, vocab_size, prompt) if config.adjusts else None

    def choose(self, logits: np.ndarray, refused: Sequence[np.ndarray] = ()) -> int:
        """Return the next token.

        logits: float32 [N], left as they are.  refused: tokens that may not come now, as ids [C] or as bool [N].
        """
        changed = self._adjustment is not None or bool(refused)
        if self._adjustment is not None:
            logits = self._adjustment.apply(logits)
        for tokens in refused:
            logits = logits.copy()
            logits[tokens] = NEVER
        if changed and np.isneginf(logits.max()):
            raise OptionError(
                "no token is left to choose from: the grammar, banned_tokens and min_tokens together leave out all"
            )
        token = most_likely_token(logits) if self._config.temperature == 0 else draw(logits, self._config, self._rng)
        if self._adjustment is not None:
            self._adjustment.note(token)
        return token


def draw(logits: np.ndarray, config: SamplingConfig, rng: np.random.Generator) -> int:
    """Draw a token: temperature, then top-k, top-p, typical-p, min-p.  logits: [N]."""
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
    if config.typical_p is not None:
        kept = typical(probabilities, config.typical_p)
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


def typical(probabilities: np.ndarray, mass: float) -> np.ndarray:
    """Return the indices of the fewest tokens that add up to `mass`, those of the most usual surprise first.

    Meister et al., "Locally Typical Sampling" (TACL 2023), equation 6.  [C] -> [kept].
    """
    probabilities = probabilities / probabilities.sum()
    surprise = -np.log(np.maximum(probabilities, SMALLEST))
    unusual = np.abs(surprise - (probabilities * surprise).sum())
    order = np.argsort(unusual, kind="stable")
    before = probabilities[order].cumsum() - probabilities[order]
    return np.sort(order[: max(1, int((before < mass).sum()))])
