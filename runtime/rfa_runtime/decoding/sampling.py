"""From logits to the next token.

Letters: N vocabulary, C candidates still in the draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from rfa_runtime.errors import OptionError
from rfa_runtime.session.logits import check_finite, most_likely_token

ASKS_FOR_CHANCE = ("top_k", "top_p", "seed")
"""Settings that mean nothing while the most likely token is taken."""


@dataclass(frozen=True)
class SamplingConfig:
    """How tokens are chosen.  Everything is checked here, once."""

    temperature: float = 0.0
    """0 picks the most likely token; 1 draws as the model predicts; above 1 is more daring."""
    top_k: int | None = None
    """Draw from the k most likely tokens."""
    top_p: float | None = None
    """Draw from the fewest tokens whose probabilities add up to p."""
    repetition_penalty: float = 1.0
    """Above 1, tokens of the prompt and the text so far become less likely."""
    seed: int | None = None
    """The same seed gives the same text; None gives another one each time."""

    def __post_init__(self) -> None:
        """Raise OptionError for a setting out of range."""
        in_range(self, "temperature", 0, 1e6, (int, float))
        in_range(self, "top_k", 1, 1 << 31, (int,))
        in_range(self, "top_p", 1e-9, 1, (int, float))
        in_range(self, "repetition_penalty", 1e-3, 1e3, (int, float))
        in_range(self, "seed", 0, 1 << 63, (int,))
        if self.temperature is None or self.repetition_penalty is None:
            raise OptionError("temperature and repetition_penalty must be numbers")

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is taken as the logits are."""
        return self.temperature == 0 and self.repetition_penalty == 1

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> SamplingConfig:
        """Make one from names and values, such as the defaults in a manifest."""
        unknown = table.keys() - SAMPLING_SETTINGS
        if unknown:
            known = ", ".join(SAMPLING_SETTINGS)
            raise OptionError(f"sampling has the unknown setting {min(unknown)!r}, known are: {known}")
        return cls(**table)

    def over(self, settings: Mapping[str, Any]) -> SamplingConfig:
        """Return settings put over these.

        Where the most likely token is taken and a setting asks for chance, the temperature is 1 unless it is given.
        """
        changes = dict(settings)
        for name in ASKS_FOR_CHANCE:
            if self.temperature == 0 and settings.get(name) is not None:
                changes.setdefault("temperature", 1.0)
        return replace(self, **changes)


SAMPLING_SETTINGS = tuple(field.name for field in fields(SamplingConfig))


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
    """Draw a token: temperature, then top-k, then top-p.  logits: [N]."""
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
    heaps = probabilities.cumsum()
    place = heaps.searchsorted(rng.random() * heaps[-1], side="right")
    return int(tokens[min(place, len(tokens) - 1)])


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities in float64.  logits: [C]."""
    exact = logits.astype(np.float64)
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


def in_range(config: SamplingConfig, name: str, lowest: float, highest: float, types: tuple[type, ...]) -> None:
    """Check one setting; None is for settings that may be left out."""
    value = getattr(config, name)
    if value is not None and (type(value) not in types or not lowest <= value <= highest):
        kind = "a number" if float in types else "a whole number"
        raise OptionError(f"{name} is {value!r}, wanted {kind} from {spelled(lowest)} to {spelled(highest)}")


def spelled(bound: float) -> str:
    """A bound for people: whole numbers with commas."""
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
