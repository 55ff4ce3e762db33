"""The perplexity of a finished bundle on a text, beside that of the model before its weights were rounded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tokenizers import Tokenizer

from rfa_export.tasks.task import TaskExport, no_perplexity
from rfa_models.data.texts import encode
from rfa_models.errors import DataError
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.tasks.perplexity import score_text

BEGINNING = 1000
"""Characters in which two tokens are looked for."""


@dataclass(frozen=True)
class Perplexity:
    """Two figures on one text; the names are part of `--json`."""

    tokens: int
    """Tokens that were predicted."""
    torch: float
    """The perplexity of the checkpoint, in float32."""
    bundle: float
    """That of the bundle."""

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self) | {"ratio": self.bundle / self.torch}

    def line(self) -> str:
        """For people."""
        return (
            f"perplexity on {self.tokens:,} tokens: {self.bundle:.4f} of the bundle, {self.torch:.4f} in torch, "
            f"{self.bundle / self.torch - 1:+.3%}"
        )


def check_text(task: TaskExport, tokenizer: Tokenizer | None, text: str) -> None:
    """Raise TargetError for a task that has no perplexity, DataError for a text without two tokens."""
    if tokenizer is None or not task.continues_text:
        raise no_perplexity()
    if len(encode(tokenizer, text[:BEGINNING])) < 2:
        raise DataError("the text to report the perplexity on has fewer than 2 tokens: give a longer one")


def measure_perplexity(task: TaskExport, tokenizer: Tokenizer | None, bundle: Bundle, text: str) -> Perplexity:
    """Score a text with the bundle and in torch.

    The text has passed `check_text`.  Raises DataError or TextError for one that cannot be scored.
    """
    assert tokenizer is not None
    found = score_text(bundle, text)
    in_torch = task.perplexity(encode(tokenizer, text))
    return Perplexity(found.tokens, in_torch, found.perplexity)
