"""How a translation is looked for.

Letters: M source tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from rfa_runtime.checks import number, whole_number
from rfa_runtime.errors import OptionError

LENGTH_RATIO = 2
LENGTH_MARGIN = 20
"""Without another limit a translation ends after LENGTH_RATIO * M + LENGTH_MARGIN tokens: a longer one repeats itself.
The margin is for sources of a few words."""
MAX_BEAM = 1024
MAX_PENALTY = 10


@dataclass(frozen=True)
class SearchConfig:
    """How translations are searched for.  Everything is checked here, once."""

    beam: int = 1
    """Hypotheses that go on side by side; 1 is greedy: the most likely token, then the next."""
    length_penalty: float = 1.0
    """A hypothesis' score is the sum of its log probabilities / length ** length_penalty; its end token counts.

    0 ranks only by probability, which prefers short translations; more prefers longer ones.
    """
    n_best: int = 1
    """Hypotheses that are returned, the best first; at most `beam`."""
    early_stop: bool = True
    """End as soon as `beam` hypotheses have ended; False goes on until none that is open could still be among the best.

    A beam of 1 ends with its first end token either way.
    """
    max_new_tokens: int | None = None
    """Tokens of a translation, its end token included; None goes by the source: 2 * M + 20."""

    def __post_init__(self) -> None:
        """Raise OptionError for a setting out of range."""
        self._keep("beam", whole_number("beam", self.beam, 1, MAX_BEAM))
        self._keep("n_best", whole_number("n_best", self.n_best, 1, self.beam, " as the beam has no more"))
        self._keep("length_penalty", number("length_penalty", self.length_penalty, -MAX_PENALTY, MAX_PENALTY))
        if type(self.early_stop) is not bool:
            raise OptionError(f"early_stop is {self.early_stop!r}, wanted True or False")
        if self.max_new_tokens is not None:
            self._keep("max_new_tokens", whole_number("max_new_tokens", self.max_new_tokens, 1, 1 << 31))

    def limit(self, source_tokens: int) -> int:
        """Tokens after which a translation of M source tokens ends."""
        return self.max_new_tokens or LENGTH_RATIO * source_tokens + LENGTH_MARGIN

    def score(self, total: float, length: int) -> float:
        """What a hypothesis is worth.  total: sum of the log probabilities of its tokens."""
        return float(total / length**self.length_penalty)

    def _keep(self, name: str, value: float) -> None:
        """Set a field while the config is made."""
        object.__setattr__(self, name, value)
