"""`rfa-convert SRC -o model.pt`: a checkpoint of the authors' release to one of ours."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from tokenizers import Tokenizer

from rfa_models.checkpoints.checkpoint import Checkpoint, read_tokenizer, save_checkpoint
from rfa_models.checkpoints.output import check_output
from rfa_models.convert.config import causal_heads
from rfa_models.convert.dictionary import check_special, read_dictionary
from rfa_models.convert.matrices import read_matrices
from rfa_models.convert.model import convert_language_model, convert_translator, is_translator
from rfa_models.convert.release import Release, read_release
from rfa_models.data.texts import read_text
from rfa_models.errors import CheckpointError, ConfigError, ModelError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig

EPILOG = "Example:  rfa-convert checkpoint_best.pt --random-matrices 64_64.npy --dictionary dict.en.txt -o model.pt"
FILE = click.Path(path_type=Path)


@click.command(epilog=EPILOG)
@click.argument("source", metavar="SRC", type=FILE)
@click.option("-o", "--output", type=FILE, default="model.pt", show_default=True)
@click.option(
    "--random-matrices", type=FILE, required=True, help="The .npy file that causal attention was trained with."
)
@click.option("--dictionary", type=FILE, help="dict.txt of fairseq; texts must then come split as for fairseq.")
@click.option("--tokenizer", type=FILE, help="tokenizer.json with the ids of the dictionary, in place of --dictionary.")
@click.option("--encoder-heads", "encoder_attention_heads", type=int, help="In place of what SRC says.")
@click.option("--causal-tau", type=float, help="In place of what SRC says; 1.0 where it says nothing.")
@click.option("--cross-tau", type=float, help="In place of what SRC says; 1.0 where it says nothing.")
@click.option("--overwrite", is_flag=True, help="Replace a model at the output.")
def main(source: Path, output: Path, **options: Any) -> None:
    """Convert SRC, a checkpoint of the authors' release of Random Feature Attention, to a model of ours.

    SRC is a translator (RFA in the decoder) or a language model in the format of fairseq.
    """
    try:
        print(convert(source, output, **options))
    except (ModelError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


def convert(
    source: Path,
    output: Path,
    random_matrices: Path,
    dictionary: Path | None,
    tokenizer: Path | None,
    overwrite: bool,
    **settings: Any,
) -> str:
    """The command's work, with errors still as exceptions.  Returns what it says about the model."""
    check_output(output, overwrite)
    release = with_settings(read_release(source), settings)
    with named(source):
        heads, head_dim = causal_heads(release)
    matrices = read_matrices(random_matrices, heads, head_dim, release.settings.causal_proj_dim)
    with named(source):
        make = convert_translator if is_translator(release) else convert_language_model
        model = make(release, matrices)
    words = choose_tokenizer(dictionary, tokenizer, model.config)
    facts = {"converted_from": source.name}
    save_checkpoint(Checkpoint(model, words, release.settings.tokens_per_sample, facts), output)
    if not release.has_settings:
        print(f"{source} has no settings, these were taken: {assumed(release)}", file=sys.stderr)
    return f"{output}: {summary(model)}"


def with_settings(release: Release, settings: dict[str, Any]) -> Release:
    """The release with the command line's settings in place of the file's.  Raises ConfigError."""
    given = {name: value for name, value in settings.items() if value is not None}
    return dataclasses.replace(release, settings=dataclasses.replace(release.settings, **given))


def choose_tokenizer(dictionary: Path | None, file: Path | None, config: ModelConfig | TranslatorConfig) -> Tokenizer:
    """The tokenizer of the one file that was given.  Raises ConfigError, CheckpointError or DataError."""
    if dictionary and not file:
        return read_dictionary(dictionary, config.vocab_size)
    if dictionary or not file:
        raise ConfigError("wanted one of --dictionary and --tokenizer: give the file that the model was trained with")
    tokenizer = read_tokenizer(read_text(file), config, file)
    if isinstance(config, TranslatorConfig):
        check_special(tokenizer, file)
    return tokenizer


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except ModelError as error:
        raise CheckpointError(f"{path}: {error}") from error


def summary(model: Translator | LanguageModel) -> str:
    """What the model is, in a few words."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    config = model.config
    if isinstance(config, TranslatorConfig):
        causal, cross = config.causal_attention, config.cross_attention
        kind = f"translator of {config.encoder_layers} + {config.decoder_layers} layers"
        vectors = f"{causal.random_vectors} + {cross.random_vectors}"
    else:
        causal, kind = config.attention, f"language model of {config.layers} layers"
        vectors = f"{causal.random_vectors}"
    return (
        f"{kind}, {causal.heads} heads of width {causal.head_dim}, {vectors} random vectors, {parameters:,} parameters"
    )


def assumed(release: Release) -> str:
    """The settings, as a list for people."""
    return ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(release.settings).items())


if __name__ == "__main__":
    main()
