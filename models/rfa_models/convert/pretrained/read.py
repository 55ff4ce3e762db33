"""A pretrained model from its file or folder, whatever its format."""

from __future__ import annotations

from pathlib import Path

from rfa_models.checkpoints.archive import is_own
from rfa_models.convert.pretrained.folder import read_folder
from rfa_models.convert.pretrained.formats import CONFIG, GGUF, LLAMA2C
from rfa_models.convert.pretrained.llama2c import read_llama2c
from rfa_models.convert.pretrained.llama_cpp.gguf_file import read_gguf
from rfa_models.convert.pretrained.own import read_own
from rfa_models.convert.pretrained.safetensors_source import files_of
from rfa_models.convert.pretrained.softmax_model import SoftmaxModel
from rfa_models.errors import CheckpointError


def read_softmax_model(path: Path | str, tokenizer: Path | str | None = None) -> SoftmaxModel:
    """Read a Hugging Face folder, a GGUF file, a model of llama2.c or a checkpoint of ours.

    tokenizer: of llama2.c, where it does not lie beside the model.  Raises CheckpointError for another kind of file,
    and as its reader does.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / CONFIG).is_file():
            raise CheckpointError(f"{path}: has no {CONFIG}: wanted the folder of a model of Hugging Face's")
        return read_folder(path)
    if path.suffix == GGUF:
        return read_gguf(path)
    if path.suffix == LLAMA2C:
        return read_llama2c(path, None if tokenizer is None else Path(tokenizer))
    if is_own(path):
        return read_own(path)
    raise CheckpointError(
        f"{path}: wanted a folder of Hugging Face's, a file *{GGUF}, a *{LLAMA2C} of llama2.c, or a checkpoint of ours"
    )


def files_of_model(path: Path) -> list[Path]:
    """The files whose weights make the model."""
    if not path.is_dir():
        return [path]
    return [path / name for name in files_of(path)]
