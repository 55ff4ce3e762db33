"""A softmax model of ours as a folder in the layout of Hugging Face, for the programs that read it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.checkpoints.tensors import stored_tensors
from rfa_models.convert.pretrained.architecture import Architecture, rows_of_blocks
from rfa_models.convert.pretrained.formats import CONFIG
from rfa_models.convert.pretrained.layout import layout_of
from rfa_models.convert.pretrained.safetensors_source import SINGLE
from rfa_models.data.tokenizer_files import GENERATION_CONFIG, TOKENIZER, TOKENIZER_CONFIG
from rfa_models.errors import ConfigError
from rfa_models.networks.kinds import Model
from rfa_models.networks.language_model_config import ModelConfig
from rfa_runtime.bundle.places import check_folder_of

FOLDER_MODE = 0o755
FILE_MODE = 0o644
"""What was made beside is for its owner alone."""
PYTORCH = {"format": "pt"}
"""Metadata without which Hugging Face's reader refuses the file."""


def save_pretrained(checkpoint: Checkpoint, folder: str | Path) -> None:
    """Write a language model with softmax attention in the layout of Hugging Face: a GPT-2, Llama, Mistral or Qwen2.

    folder: does not exist yet, or is empty; it appears whole or not at all.  Raises ConfigError for a model that is
    none of these, with the setting by which it differs, and for a folder that holds something; OSError.
    """
    folder = Path(folder)
    layout = layout_of(checkpoint)
    with new_folder(folder) as draft:
        write_json(layout.table | special_tokens(checkpoint), draft / CONFIG)
        save_file(their_tensors(checkpoint.model, layout.architecture, layout.config), draft / SINGLE, PYTORCH)
        (draft / TOKENIZER).write_text(checkpoint.tokenizer.to_str(), encoding="utf-8")
        write_json(tokenizer_table(checkpoint), draft / TOKENIZER_CONFIG)
        write_json(generation_table(checkpoint), draft / GENERATION_CONFIG)


def their_tensors(model: Model, architecture: Architecture, config: ModelConfig) -> dict[str, Tensor]:
    """The tensors by their names."""
    ours = stored_tensors(model)
    found = {}
    for row in rows_of_blocks(architecture.rows(config), config.layers):
        parts = [ours[name].detach().cpu() for name in row.ours]
        found[architecture.prefix + row.theirs] = row.back(parts).contiguous()
    return found


def tokenizer_table(checkpoint: Checkpoint) -> dict[str, Any]:
    """What tokenizer_config.json says."""
    special = checkpoint.special_ids
    table: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": special.bos is not None}
    if special.bos is not None:
        table["bos_token"] = checkpoint.tokenizer.id_to_token(special.bos)
    if special.eos is not None:
        table["eos_token"] = checkpoint.tokenizer.id_to_token(special.eos)
    if checkpoint.chat_template is not None:
        table["chat_template"] = checkpoint.chat_template
    return table


def special_tokens(checkpoint: Checkpoint) -> dict[str, Any]:
    """What config.json says of them.  Without a word a GPT-2 has the tokens of the first one."""
    special = checkpoint.special_ids
    ends = None if special.eos is None else [special.eos, *special.other_ends]
    return {"bos_token_id": special.bos, "eos_token_id": ends}


def generation_table(checkpoint: Checkpoint) -> dict[str, Any]:
    """What generation_config.json says."""
    given = {name: token for name, token in special_tokens(checkpoint).items() if token is not None}
    drawn = {"do_sample": True} if checkpoint.sampling.get("temperature") else {}
    return {**checkpoint.sampling, **drawn, **given}


def write_json(table: dict[str, Any], file: Path) -> None:
    """Write a table as people read it."""
    file.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A draft beside a folder, which becomes it when the `with` block ends without an error.

    Raises ConfigError where the folder holds something, OSError.
    """
    check_folder_of(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists: name a folder that is new or empty")
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield draft
        draft.chmod(FOLDER_MODE)
        for file in draft.iterdir():
            file.chmod(FILE_MODE)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
