"""How the next token is chosen: the settings, checked.  `sampling.py` does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any

from rfa_runtime.checks import number, whole_number
from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting

OFF: dict[str, tuple[int, ...]] = {"top_k": (0, -1), "top_p": (1,), "typical_p": (1,), "min_p": (0,), "seed": ()}
"""Settings that mean nothing while the most likely token is taken, and the numbers that turn them off, as None does."""
LARGEST_SEED = 1 << 63
LARGEST_BIAS = 1e6
LARGEST_TOKEN = (1 << 31) - 1
Bias = tuple[tuple[int, float], ...]
"""Tokens, and what is added to their logits."""
Biases = Mapping[int, float] | Bias
"""The same as it may come."""


@dataclass(frozen=True)
class SamplingConfig:
    """How tokens are chosen.  Everything is checked here, once.  Numbers of numpy are as good as Python's."""

    temperature: float = 0.0
    """0 picks the most likely token; 1 draws as the model predicts; above 1 is more daring."""
    top_k: int | None = None
    """Draw from the k most likely tokens; None, 0 and -1 from all."""
    top_p: float | None = None
    """Draw from the fewest tokens whose probabilities add up to p; None and 1 from all."""
    repetition_penalty: float = 1.0
    """Above 1, tokens of the prompt and the text so far become less likely."""
    seed: int | None = None
    """The same seed gives the same text; None gives another one each time."""
    min_p: float | None = None
    """Draw from the tokens that are at least this part as likely as the most likely one; None and 0 from all."""
    typical_p: float | None = None
    """Draw from the tokens whose surprise is nearest to the mean one, the fewest whose probabilities add up to p; None
    and 1 from all."""
    presence_penalty: float = 0.0
    """Taken from the logits of tokens that this text has."""
    frequency_penalty: float = 0.0
    """Taken from the logit of a token for each time that this text has it."""
    logit_bias: Biases = ()
    """Added to the logits of some tokens, by their ids."""
    banned_tokens: Sequence[int] = ()
    """Never chosen."""

    def __post_init__(self) -> None:
        """Raise OptionError for a setting out of range; write what is off as None."""
        self._keep("temperature", number("temperature", self.temperature, 0, 1e6))
        self._keep("repetition_penalty", number("repetition_penalty", self.repetition_penalty, 1e-3, 1e3))
        if self._is_set("top_k"):
            self._keep("top_k", whole_number("top_k", self.top_k, 1, 1 << 31, "; 0 and -1 turn it off"))
        if self._is_set("top_p"):
            self._keep("top_p", number("top_p", self.top_p, 0, 1))
        if self._is_set("min_p"):
            self._keep("min_p", number("min_p", self.min_p, 0, 1))
        if self._is_set("typical_p"):
            self._keep("typical_p", number("typical_p", self.typical_p, 0, 1))
        if self._is_set("seed"):
            self._keep("seed", whole_number("seed", self.seed, 0, LARGEST_SEED))
        self._keep("presence_penalty", number("presence_penalty", self.presence_penalty, -100, 100))
        self._keep("frequency_penalty", number("frequency_penalty", self.frequency_penalty, -100, 100))
        self._keep("logit_bias", biases(self.logit_bias))
        self._keep("banned_tokens", checked_tokens("banned_tokens", self.banned_tokens))

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is taken as the logits are."""
        return self.temperature == 0 and not self.adjusts

    @property
    def counts(self) -> bool:
        """Whether tokens that were seen change what is chosen next."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0

    @property
    def adjusts(self) -> bool:
        """Whether logits are changed before a token is chosen."""
        return self.counts or bool(self.logit_bias) or bool(self.banned_tokens)

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
        for name in OFF:
            if self.temperature == 0 and name in settings and not is_off(name, settings[name]):
                changes.setdefault("temperature", 1.0)
        return replace(self, **changes)

    def _is_set(self, name: str) -> bool:
        """Whether a setting is on.  One that is off becomes None."""
        if not is_off(name, getattr(self, name)):
            return True
        self._keep(name, None)
        return False

    def _keep(self, name: str, value: Any) -> None:
        """Set a field while the config is made."""
        object.__setattr__(self, name, value)


SAMPLING_SETTINGS = tuple(field.name for field in fields(SamplingConfig))


def biases(given: object) -> Bias:
    """Tokens and what is added to their logits, from a table or from pairs.  Raises OptionError."""
    wanted = OptionError(Setting("logit_bias"), f" is {given!r}, wanted a table of token ids and numbers")
    try:
        pairs = list(given.items()) if isinstance(given, Mapping) else list(given)  # type: ignore[call-overload]
        found = [(int(token) if isinstance(token, str) else token, value) for token, value in pairs]
    except (TypeError, ValueError) as error:
        raise wanted from error
    kept = []
    for token, value in found:
        kept.append((one_token("logit_bias", token), number("logit_bias", value, -LARGEST_BIAS, LARGEST_BIAS)))
    return tuple(kept)


def checked_tokens(name: str, given: object) -> tuple[int, ...]:
    """Token ids.  name: of the setting.  Raises OptionError."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise OptionError(Setting(name), f" is {given!r}, wanted a list of token ids")
    return tuple(one_token(name, token) for token in given)


def one_token(name: str, value: object) -> int:
    """The id of a token.  Raises OptionError."""
    return whole_number(name, value, 0, LARGEST_TOKEN)


def is_off(name: str, value: object) -> bool:
    """Whether a value turns a setting off; True and False are no numbers."""
    if value is None:
        return True
    return isinstance(value, Real) and not isinstance(value, bool) and value in OFF[name]
