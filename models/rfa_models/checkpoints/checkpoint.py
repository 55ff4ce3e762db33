"""`model.pt`: config, tokenizer and tensors in one file of plain types, read with `weights_only=True`.

    format          "rfa-checkpoint"
    format_version  1
    task            "language-model", "translation" or "classification"
    config          ModelConfig, TranslatorConfig or ClassifierConfig as nested dicts
    tokenizer       the text of tokenizer.json; it knows `<s>` and `</s>` of a translator, and `<cls>` of a classifier
                    that reads the first token's place
    segment_length  of language models: tokens per training segment, the default for scoring; 0 carries the state on
    special_ids     of language models: the tokens that begin and end a text; older files have none
    sampling        of language models: how tokens are chosen where nobody says it; older files have none
    chat_template   of language models: how a chat becomes a text, in the language of Jinja; None where there is none
    training        what is known of the training: steps, validation figure, versions
    tensors         name -> tensor; the evaluation's random matrices among them

A file named `*.safetensors` holds the same (`safetensors_file.py`).

A file from elsewhere is hostile until checked (`untrusted.py`): nothing is built larger than the tensors that the file
really holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from rfa_models.checkpoints.archive import FORMAT, SAFETENSORS
from rfa_models.checkpoints.safetensors_file import read_safetensors, write_safetensors
from rfa_models.checkpoints.tensors import build_model, stored_tensors
from rfa_models.checkpoints.untrusted import check_tensors, read_tables
from rfa_models.checkpoints.wrapped import without_wrappers
from rfa_models.checks import LARGEST_COUNT
from rfa_models.data.tokenizer import CLASS, END, START, with_whole_texts
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.kinds import KINDS, Model, ModelKind, task_of
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_models.networks.wrappers import unwrapped
from rfa_models.tables import read_table
from rfa_models.whole_files import save_atomically
from rfa_models.wording import one_line, shown
from rfa_runtime.bundle.interface import LANGUAGE_MODEL, Task
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, SpecialIds
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError

FORMAT_VERSION = 1
ENTRIES = {"config": dict, "tokenizer": str, "training": dict, "tensors": dict}


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with all that is needed to use it."""

    model: Model
    """What torch.compile or DataParallel put around it is taken off."""
    tokenizer: Tokenizer
    segment_length: int = 0
    """Of a language model: tokens per segment, 0 carries the state through a text."""
    training: dict[str, Any] = field(default_factory=dict)
    """Plain facts on the training, for people to read."""
    special_ids: SpecialIds = NO_SPECIAL_IDS
    """Of a language model: the tokens that begin and end a text, where it was trained with them."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """Of a language model: how its tokens are chosen where nobody says it, by the names of SamplingConfig."""
    chat_template: str | None = None
    """Of a language model: how a chat becomes a text, in the language of Jinja."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", unwrapped(self.model))

    @property
    def task(self) -> Task:
        """What the model is for."""
        return task_of(self.model)


def save_checkpoint(checkpoint: Checkpoint, path: Path | str) -> None:
    """Write `model.pt`, or `model.safetensors` where the path says so: whole or not at all.

    Raises ConfigError for a model that is none of ours, OSError as the file system does.
    """
    path = Path(path)
    table = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "task": checkpoint.task,
        "config": asdict(checkpoint.model.config),
        "tokenizer": with_whole_texts(checkpoint.tokenizer).to_str(),
        "training": checkpoint.training,
        "tensors": stored_tensors(checkpoint.model),
    }
    if checkpoint.task == LANGUAGE_MODEL:
        table["segment_length"] = checkpoint.segment_length
        table["special_ids"] = asdict(checkpoint.special_ids)
        table["sampling"] = dict(checkpoint.sampling)
        table["chat_template"] = checkpoint.chat_template
    write = write_safetensors if path.suffix == SAFETENSORS else save_atomically
    write(table, path)


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read `model.pt` or `model.safetensors`; the model comes in evaluation mode on the CPU.

    Tensors may have the names that a wrapper of torch gave them, lie transposed in memory, be in half precision, and
    hold a tied head twice.

    Raises CheckpointError for a file that is foreign, damaged, newer than this code or inconsistent; OSError where it
    cannot be opened.
    """
    path = Path(path)
    read = read_safetensors if path.suffix == SAFETENSORS else read_tables
    table = read(path, FORMAT)
    check_header(table, path)
    check_tensors(table["tensors"], path)
    table = without_wrappers(table, path)
    kind = KINDS[table["task"]]
    config = read_config(kind, table["config"], path)
    tokenizer = read_tokenizer(table["tokenizer"], config, path)
    model = build_model(kind, config, table["tensors"], path)
    special_ids = read_special_ids(table.get("special_ids"), config.vocab_size, path)
    sampling = read_sampling(table.get("sampling"), path)
    length = table.get("segment_length", 0)
    template = read_chat_template(table.get("chat_template"), path)
    return Checkpoint(model.eval(), tokenizer, length, table["training"], special_ids, sampling, template)


def check_header(table: dict[str, Any], path: Path) -> None:
    """Raise CheckpointError unless every entry is there, of its type, and of a version that this code knows."""
    version = table.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: format version {shown(version)}, this rfa-export reads up to {FORMAT_VERSION}: update rfa-export"
        )
    task = table.get("task")
    if not isinstance(task, str) or task not in KINDS:
        raise CheckpointError(f"{path}: task {shown(task)}, wanted one of {', '.join(KINDS)}")
    of_text = task == LANGUAGE_MODEL
    entries = ENTRIES | {"segment_length": int} if of_text else ENTRIES
    for key, wanted in entries.items():
        if not isinstance(table.get(key), wanted):
            raise CheckpointError(f"{path}: its {key!r} is not a {wanted.__name__}: the file is damaged")
    if of_text and not 0 <= table["segment_length"] <= LARGEST_COUNT:
        raise CheckpointError(
            f"{path}: segment_length is {shown(table['segment_length'])}, wanted a number from 0 to {LARGEST_COUNT:,}"
        )


def read_config(kind: ModelKind, table: dict[str, Any], path: Path) -> Any:
    """The model's settings, checked.  Raises CheckpointError."""
    try:
        return read_table(kind.config, table, "config")
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error


def read_tokenizer(text: str, config: Any, path: Path) -> Tokenizer:
    """The tokenizer, if the model knows each of its ids.  Raises CheckpointError."""
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises bare Exception
        raise CheckpointError(f"{path}: its tokenizer cannot be read ({one_line(error)})") from error
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if largest >= config.vocab_size:
        raise CheckpointError(
            f"{path}: the tokenizer has ids up to {largest}, the model knows {config.vocab_size} tokens, numbered from "
            "0: they do not belong together"
        )
    for token in special_tokens(config):
        if tokenizer.token_to_id(token) is None:
            raise CheckpointError(f"{path}: its tokenizer has no {token}, which the model was trained with")
    return with_whole_texts(tokenizer)


def read_special_ids(table: Any, vocab_size: int, path: Path) -> SpecialIds:
    """The tokens that begin and end a text; none where the file says nothing.  Raises CheckpointError."""
    if table is None:
        return NO_SPECIAL_IDS
    try:
        found = read_table(SpecialIds, table, "special_ids")
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    for token in (found.bos, *found.ends):
        if token is not None and not 0 <= token < vocab_size:
            raise CheckpointError(f"{path}: special_ids has {shown(token)}, the model knows {vocab_size:,} tokens")
    return found


def read_sampling(table: Any, path: Path) -> dict[str, Any]:
    """How tokens are chosen; empty where the file says nothing.  Raises CheckpointError."""
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise CheckpointError(f"{path}: its sampling is {shown(table)}, wanted a table of settings")
    try:
        SamplingConfig.from_table(table)
    except OptionError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return table


def read_chat_template(value: Any, path: Path) -> str | None:
    """The template of a chat; None where the file has none.  Raises CheckpointError."""
    if value is not None and not isinstance(value, str):
        raise CheckpointError(f"{path}: its chat_template is {shown(value)}, wanted text")
    return value


def special_tokens(config: Any) -> tuple[str, ...]:
    """Names of the tokens that a model cannot do without."""
    if isinstance(config, TranslatorConfig):
        return START, END
    if isinstance(config, ClassifierConfig) and config.pooling == "first":
        return (CLASS,)
    return ()
