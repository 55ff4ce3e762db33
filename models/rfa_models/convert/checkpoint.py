"""From the files of the authors' release to a checkpoint of ours: what `rfa-convert` does, `convert_release` in Python.

release       source.pt                                        the weights and, in most files, the settings
matrices      64_64.npy                                        random matrices, where the release holds none
tokenizer     dict.txt of fairseq, or tokenizer.json           texts to the ids that the model was trained with
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tokenizers import Tokenizer

from rfa_models.checkpoints.checkpoint import Checkpoint, read_tokenizer, save_checkpoint
from rfa_models.checkpoints.output import check_output, reserved_output
from rfa_models.convert.config import causal_heads
from rfa_models.convert.dictionary import check_special, read_dictionary
from rfa_models.convert.matrices import Matrices, choose_matrices, read_matrices, stored_matrices
from rfa_models.convert.model import convert_language_model, convert_translator, is_translator
from rfa_models.convert.names import DECODER
from rfa_models.convert.notes import notes_on
from rfa_models.convert.release import Release, named, read_release
from rfa_models.convert.words_file import check_one
from rfa_models.data.texts import read_text
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_runtime.bundle.places import check_readable


@dataclasses.dataclass(frozen=True)
class Converted:
    """What became of a release."""

    model: LanguageModel | Translator
    notes: list[str]
    """What a person should know of it, a line each: what was taken for granted, what differs.  Mostly none."""

    def summary(self) -> str:
        """What the model is, in a few words."""
        return describe_model(self.model)


def convert_release(
    source: Path | str,
    output: Path | str,
    random_matrices: Path | str | None = None,
    dictionary: Path | str | None = None,
    tokenizer: Path | str | None = None,
    *,
    encoder_attention_heads: int | None = None,
    causal_tau: float | None = None,
    cross_tau: float | None = None,
    feature_scale: float | None = None,
    denominator_floor: float | None = None,
    exact_matrices: bool = False,
    overwrite: bool = False,
) -> Converted:
    """Convert a checkpoint of the release and write the model to `output`.

    random_matrices: only for a release that holds none, or to make sure of those that it holds.  They are rounded to
    float16 as in training, unless exact_matrices is set.
    One of dictionary and tokenizer is wanted.  Heads and tau stand in place of what the file says of them, scale and
    floor in place of constants in the code of the program that wrote it (`programs.py`): no file says them.
    Raises CheckpointError, ConfigError, DataError, or OSError: as `open` does, and where another process writes
    `output`.
    """
    source = Path(source)
    output = Path(output)
    check_output(output, overwrite)
    check_one(dictionary, tokenizer)
    check_readable(source, random_matrices, dictionary, tokenizer)
    settings = {
        "encoder_attention_heads": encoder_attention_heads,
        "causal_tau": causal_tau,
        "cross_tau": cross_tau,
    }
    constants = {"feature_scale": feature_scale, "denominator_floor": denominator_floor}
    release = with_constants(with_settings(read_release(source), settings), constants)
    matrices = causal_matrices(release, path_or_none(random_matrices), exact_matrices)
    with named(source):
        convert = convert_translator if is_translator(release) else convert_language_model
        model = convert(release, matrices)
    words = choose_tokenizer(path_or_none(dictionary), path_or_none(tokenizer), model.config)
    facts = {"converted_from": source.name}
    with reserved_output(output, overwrite):
        save_checkpoint(Checkpoint(model, words, release.settings.tokens_per_sample, facts), output)
    return Converted(model, notes_on(release))


def path_or_none(given: Path | str | None) -> Path | None:
    """A path that may be left out."""
    return None if given is None else Path(given)


def with_settings(release: Release, settings: dict[str, int | float | None]) -> Release:
    """The release with the settings that were given in place of the file's.  Raises ConfigError."""
    given = {name: value for name, value in settings.items() if value is not None}
    replaced = dataclasses.replace(release.settings, **given)  # type: ignore[arg-type]
    return dataclasses.replace(release, settings=replaced)


def with_constants(release: Release, constants: dict[str, float | None]) -> Release:
    """The release with the constants that were given in place of its program's.  Raises ConfigError."""
    given = {name: value for name, value in constants.items() if value is not None}
    return dataclasses.replace(release, program=release.program.with_constants(given))


def causal_matrices(release: Release, file: Path | None, exact: bool) -> Matrices:
    """The random matrices of causal attention, of the release or of a file.  Raises CheckpointError."""
    vectors = release.settings.causal_proj_dim
    with named(release.path):
        heads, head_dim = causal_heads(release)
        stored = stored_matrices(release, DECODER, heads, head_dim, vectors)
    given = None
    if file is not None:
        given = read_matrices(file, heads, head_dim, vectors, exact=exact)
    with named(release.path):
        return choose_matrices(stored, given)


def choose_tokenizer(dictionary: Path | None, file: Path | None, config: ModelConfig | TranslatorConfig) -> Tokenizer:
    """The tokenizer of the one file that was given.  Raises CheckpointError or DataError."""
    if file is None:
        assert dictionary is not None
        return read_dictionary(dictionary, config.vocab_size)
    tokenizer = read_tokenizer(read_text(file), config, file)
    if isinstance(config, TranslatorConfig):
        check_special(tokenizer, file)
    return tokenizer


def describe_model(model: Translator | LanguageModel) -> str:
    """Layers, heads, random vectors and parameters, as one line for people."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    config = model.config
    if isinstance(config, TranslatorConfig):
        causal = config.causal_attention
        kind = f"translator of {config.encoder_layers} + {config.decoder_layers} layers"
        vectors = f"{causal.random_vectors} + {config.cross_attention.random_vectors}"
    else:
        causal = config.attention
        kind = f"language model of {config.layers} layers"
        vectors = f"{causal.random_vectors}"
    return (
        f"{kind}, {causal.heads} heads of width {causal.head_dim}, {vectors} random vectors, {parameters:,} parameters"
    )
