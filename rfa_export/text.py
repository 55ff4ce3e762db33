"""What a bundle knows of text: the tokenizer, the tokens that begin and end a text, sampling, the chat template."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from rfa_export.errors import TokenizerError
from rfa_models.data.tokenizer import with_whole_texts
from rfa_models.data.tokenizer_files import TOKENIZER, TOKENIZER_CONFIG, read_tokenizer_files
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, SpecialIds
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError

CUT_OR_FILLED = "the tokenizer asked to cut texts or to fill them up: that was turned off"
ADDS_TOKENS = (
    "the tokenizer's post-processor adds special tokens: it is not used; special_ids says what begins and ends a text"
)
TokenizerSource = Tokenizer | str | os.PathLike[str] | None
"""A tokenizer, the path of a tokenizer.json, or of the folder that holds one."""


@dataclass(frozen=True)
class TextSide:
    """All of it, checked."""

    tokenizer: Tokenizer | None = None
    special_ids: SpecialIds = NO_SPECIAL_IDS
    sampling: Mapping[str, Any] = field(default_factory=dict)
    chat_template: str | None = None
    notes: tuple[str, ...] = ()
    """For the manifest."""


def text_side(
    tokenizer: TokenizerSource = None,
    special_ids: SpecialIds | None = None,
    sampling: SamplingConfig | Mapping[str, Any] | None = None,
    chat_template: str | None = None,
) -> TextSide:
    """Put together what the caller gives and what the files of a tokenizer say; what the caller gives counts.

    Raises TokenizerError for another thing than a tokenizer and for tokens that it does not have, DataError for files
    that cannot be read, OptionError for settings of sampling that cannot work, OSError as `open` does.
    """
    if chat_template is not None and not isinstance(chat_template, str):
        raise OptionError(f"chat_template is {type(chat_template).__name__}, wanted a text in the language of Jinja")
    notes: tuple[str, ...] = ()
    found = TextSide()
    if isinstance(tokenizer, str | os.PathLike):
        files = read_tokenizer_files(tokenizer)
        found = TextSide(files.tokenizer, files.special_ids, files.sampling, files.chat_template)
        notes = notes_on(files.tokenizer, files.cut_or_filled)
    elif isinstance(tokenizer, Tokenizer):
        whole = with_whole_texts(tokenizer)
        found = TextSide(whole)
        notes = notes_on(whole, bool(tokenizer.truncation or tokenizer.padding))
    elif tokenizer is not None:
        raise TokenizerError(
            f"tokenizer is {type(tokenizer).__name__}, wanted a tokenizers.Tokenizer or the path of a {TOKENIZER}"
        )
    if special_ids is not None:
        check_special_ids(special_ids, found.tokenizer)
    return TextSide(
        tokenizer=found.tokenizer,
        special_ids=found.special_ids if special_ids is None else special_ids,
        sampling=found.sampling if sampling is None else settings_of(sampling),
        chat_template=found.chat_template if chat_template is None else chat_template,
        notes=notes,
    )


def check_special_ids(special_ids: SpecialIds, tokenizer: Tokenizer | None) -> None:
    """Raise TokenizerError for what no token can be; where there is a tokenizer, for a token that it does not have."""
    if not isinstance(special_ids, SpecialIds):
        kind = type(special_ids).__name__
        raise TokenizerError(f"special_ids is {kind}, wanted a SpecialIds of rfa_runtime.bundle.manifest")
    for token in (special_ids.bos, *special_ids.ends):
        if token is None:
            continue
        if type(token) is not int or token < 0:
            raise TokenizerError(f"special_ids has {token!r}, wanted the number of a token")
        if tokenizer is not None and tokenizer.id_to_token(token) is None:
            raise TokenizerError(
                f"special_ids has {token}, which is no token of the tokenizer with its {tokenizer.get_vocab_size():,}"
            )


def notes_on(tokenizer: Tokenizer, cut_or_filled: bool) -> tuple[str, ...]:
    """What is left out of a tokenizer's settings."""
    notes = []
    if cut_or_filled:
        notes.append(CUT_OR_FILLED)
    if tokenizer.num_special_tokens_to_add(False):
        notes.append(ADDS_TOKENS)
    return tuple(notes)


def settings_of(sampling: SamplingConfig | Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from those of the most likely token.  Raises OptionError."""
    if not isinstance(sampling, SamplingConfig | Mapping):
        raise OptionError(
            f"sampling is {type(sampling).__name__}, wanted a SamplingConfig, or a mapping of its settings"
        )
    config = sampling if isinstance(sampling, SamplingConfig) else SamplingConfig.from_table(sampling)
    usual = asdict(SamplingConfig())
    changed = {}
    for name, value in asdict(config).items():
        if value != usual[name]:
            changed[name] = value
    return changed


def save_text_side(side: TextSide, special_ids: SpecialIds, folder: Path) -> None:
    """Write the tokenizer under the names that Hugging Face's tools look for.  special_ids: the manifest's."""
    tokenizer = side.tokenizer
    if tokenizer is None:
        return
    (folder / TOKENIZER).write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    for key, token in (("bos_token", special_ids.bos), ("eos_token", special_ids.eos)):
        name = None if token is None else tokenizer.id_to_token(token)
        if name is not None:
            config[key] = name
    if side.chat_template is not None:
        config["chat_template"] = side.chat_template
    (folder / TOKENIZER_CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
