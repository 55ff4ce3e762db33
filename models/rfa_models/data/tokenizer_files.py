"""A tokenizer.json of Hugging Face's, and what the files beside it say of the model's texts.

tokenizer_config.json     names of the tokens that begin and end a text; the chat template
generation_config.json    their ids, several ends among them; how tokens are chosen
chat_template.jinja       the chat template, where it has a file of its own
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from rfa_models.data.tokenizer import with_whole_texts
from rfa_models.errors import DataError
from rfa_models.wording import one_line, shown
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError, TextError
from rfa_runtime.line_files.text import read_text

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
GENERATION_CONFIG = "generation_config.json"
CHAT_TEMPLATE = "chat_template.jinja"
CHANCE = ("temperature", "top_k", "top_p", "min_p")
"""Settings that count where `do_sample` is on."""


@dataclass(frozen=True)
class TokenizerFiles:
    """What was found."""

    tokenizer: Tokenizer
    """It neither cuts texts nor fills them up."""
    cut_or_filled: bool
    """Whether the file asked for that."""
    special_ids: SpecialIds
    sampling: Mapping[str, Any]
    """By the names of SamplingConfig."""
    chat_template: str | None


def read_tokenizer_files(path: str | os.PathLike[str]) -> TokenizerFiles:
    """Read a tokenizer.json, or the one in a folder, with the files beside it.

    Raises DataError for a file that cannot be read or names a token that the tokenizer lacks, OSError as `open` does.
    """
    file = Path(path)
    if file.is_dir():
        file = file / TOKENIZER
    given = parse_tokenizer(read_text_file(file), file)
    names = read_json(file.with_name(TOKENIZER_CONFIG))
    generation = read_json(file.with_name(GENERATION_CONFIG))
    return TokenizerFiles(
        tokenizer=with_whole_texts(given),
        cut_or_filled=bool(given.truncation or given.padding),
        special_ids=special_ids(given, names, generation, file.parent),
        sampling=sampling(generation, file.with_name(GENERATION_CONFIG)),
        chat_template=chat_template(names, file.with_name(CHAT_TEMPLATE)),
    )


def parse_tokenizer(text: str, file: Path) -> Tokenizer:
    """The tokenizer.  Raises DataError."""
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises bare Exception
        raise DataError(f"{file}: not a tokenizer ({one_line(error)}): wanted the file of Hugging Face's") from error


def read_text_file(file: Path) -> str:
    """The text of a file.  Raises DataError where it is none."""
    try:
        return read_text(file)
    except TextError as error:
        raise DataError(str(error)) from error


def read_json(file: Path) -> dict[str, Any]:
    """The table in a file; an empty one where there is no file.  Raises DataError."""
    if not file.exists():
        return {}
    try:
        table = json.loads(read_text_file(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not JSON: {one_line(error)}") from error
    if not isinstance(table, dict):
        raise DataError(f"{file}: holds {shown(table)}, wanted an object")
    return table


def special_ids(tokenizer: Tokenizer, names: dict[str, Any], generation: dict[str, Any], folder: Path) -> SpecialIds:
    """The tokens that begin and end a text.

    One begins it only where the tokenizer puts it there: many vocabularies have such a token and do not use it.
    """
    ends = ids_of(generation, "eos_token_id", folder / GENERATION_CONFIG)
    if not ends:
        ends = named_token(tokenizer, names, "eos_token", folder / TOKENIZER_CONFIG)
    begins = named_token(tokenizer, names, "bos_token", folder / TOKENIZER_CONFIG)
    if not begins:
        begins = ids_of(generation, "bos_token_id", folder / GENERATION_CONFIG)
    bos = begins[0] if begins and puts_first(tokenizer, names, begins[0]) else None
    return SpecialIds(bos, ends[0] if ends else None, tuple(ends[1:]))


def ids_of(table: dict[str, Any], key: str, file: Path) -> list[int]:
    """One id or several.  Raises DataError."""
    value = table.get(key)
    found = value if isinstance(value, list) else [value]
    if value is None:
        return []
    for token in found:
        if type(token) is not int or token < 0:
            raise DataError(f"{file}: {key} is {shown(value)}, wanted a token's id or a list of ids")
    return list(found)


def named_token(tokenizer: Tokenizer, table: dict[str, Any], key: str, file: Path) -> list[int]:
    """The id of a token that is given by its text, or by a table with its text.  Raises DataError."""
    value = table.get(key)
    name = value.get("content") if isinstance(value, dict) else value
    if name is None:
        return []
    try:
        token = tokenizer.token_to_id(name) if isinstance(name, str) else None
    except UnicodeEncodeError:  # half a character
        token = None
    if token is None:
        raise DataError(f"{file}: {key} is {shown(name)}, which {TOKENIZER} does not have: do they belong together?")
    return [token]


def puts_first(tokenizer: Tokenizer, names: dict[str, Any], token: int) -> bool:
    """Whether a token stands before every text, by the setting or by the tokenizer's own post-processor."""
    setting = names.get("add_bos_token")
    if isinstance(setting, bool):
        return setting
    return tokenizer.encode("a").ids[:1] == [token]


def sampling(generation: dict[str, Any], file: Path) -> dict[str, Any]:
    """How tokens are chosen.  Raises DataError for a setting out of range."""
    wanted = (*CHANCE, "repetition_penalty") if generation.get("do_sample") is True else ("repetition_penalty",)
    found = {name: generation[name] for name in wanted if generation.get(name) is not None}
    if generation.get("do_sample") is True:
        found.setdefault("temperature", 1.0)
    try:
        SamplingConfig.from_table(found)
    except (OptionError, OverflowError) as error:
        raise DataError(f"{file}: {error}") from error
    return found


def chat_template(names: dict[str, Any], file: Path) -> str | None:
    """The template of a chat, as text in the language of Jinja; None where there is none."""
    if file.exists():
        return read_text_file(file)
    value = names.get("chat_template")
    if value is not None and not isinstance(value, str):
        raise DataError(f"{file.with_name(TOKENIZER_CONFIG)}: chat_template is {shown(value)}, wanted text")
    return value
