"""The perplexity of a finished bundle on a text, beside that of the model before its weights were rounded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tokenizers import Tokenizer

from rfa_export.errors import TargetError
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_models.data.texts import encode
from rfa_models.tasks.perplexity import perplexity
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.tasks.perplexity import score_text


@dataclass(frozen=True)
class Perplexity:
    """Two figures on one text; the names are part of `--json`."""

    tokens: int
    """That were predicted."""
    torch: float
    """Of the checkpoint, float32."""
    bundle: float

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
    """Score a text twice.  Raises TargetError for what does not predict text, DataError or TextError for the text."""
    if not isinstance(task, LanguageExport) or tokenizer is None:
        raise TargetError("perplexity is that of a language model with its tokenizer: leave the text out")
    found = score_text(bundle, text)
    return Perplexity(
        found.tokens, perplexity(task.module, encode(tokenizer, text), task.segment_length), found.perplexity
    )
