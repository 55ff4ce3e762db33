"""The perplexity of a finished bundle on a text, beside that of the model before its weights were rounded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tokenizers import Tokenizer

from rfa_export.tasks.task import TaskExport, no_perplexity
from rfa_models.data.texts import encode
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.tasks.perplexity import score_text


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


def measure_perplexity(task: TaskExport, tokenizer: Tokenizer | None, bundle: Bundle, text: str) -> Perplexity:
    """Score a text with the bundle and in torch.

    Raises TargetError for a task that does not continue text, or without a tokenizer; DataError or TextError for a text
    that cannot be scored.
    """
    if tokenizer is None or not task.continues_text:
        raise no_perplexity()
    found = score_text(bundle, text)
    in_torch = task.perplexity(encode(tokenizer, text))
    return Perplexity(found.tokens, in_torch, found.perplexity)
