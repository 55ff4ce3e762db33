"""The file of a release's tokens: fairseq's dictionary or a tokenizer.  No torch here."""

from __future__ import annotations

from pathlib import Path

from rfa_models.errors import ConfigError
from rfa_runtime.wording import Setting


def check_one(dictionary: Path | str | None, tokenizer: Path | str | None) -> None:
    """Raise ConfigError unless one of the two was given."""
    if (dictionary is None) == (tokenizer is None):
        raise ConfigError(
            "wanted one of ",
            Setting("dictionary"),
            " and ",
            Setting("tokenizer"),
            ": give the file that the model was trained with",
        )
