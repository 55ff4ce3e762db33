"""The figures of a model in torch, by the same protocols as `rfa-run --score`.

    language model    perplexity of a text
    translator        perplexity of the targets of a data file, each token given the right ones before it
    classifier        accuracy on a data file

The results should be identical up to rounding.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint
from rfa_models.data.config import ListopsConfig, NumbersConfig
from rfa_models.data.labelled import read_source
from rfa_models.data.pairs import read_sources
from rfa_models.data.texts import encode, read_text
from rfa_models.errors import ConfigError, ModelError
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.translator import Translator
from rfa_models.tasks.classification import EncodedTexts, accuracy
from rfa_models.tasks.perplexity import perplexity
from rfa_models.tasks.translation import EncodedPairs, target_perplexity


@click.command(epilog="Example:  python -m rfa_models.commands.evaluate model.pt valid.txt")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--segment", type=click.IntRange(min=0), help="Tokens per segment, 0 carries the state; as trained.")
def main(checkpoint: Path, data: tuple[Path, ...], segment: int | None) -> None:
    """Print the figure of CHECKPOINT on DATA in torch, to compare with `rfa-run --score`.

    DATA is a text, a .tsv or .jsonl, or the two plain files of a translation.
    """
    try:
        found = evaluate(load_checkpoint(checkpoint), tuple(map(str, data)), segment)
    except (ModelError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(found))


def evaluate(checkpoint: Checkpoint, data: tuple[str, ...], segment: int | None = None) -> dict[str, float]:
    """The figure of a checkpoint on data files, and of how many tokens or texts it is."""
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    if isinstance(model, Translator):
        pairs = EncodedPairs(tokenizer, read_sources(data, NumbersConfig()), max_tokens=0)
        return {"perplexity": target_perplexity(model, pairs), "items": len(pairs)}
    if len(data) > 1:
        raise ConfigError(f"{len(data)} data files, wanted one")
    if isinstance(model, Classifier):
        rows = read_source(data[0], ListopsConfig())
        return {"accuracy": accuracy(model, EncodedTexts(tokenizer, rows, model.config)), "items": len(rows)}
    ids = encode(tokenizer, read_text(data[0]))
    length = checkpoint.segment_length if segment is None else segment
    return {"perplexity": perplexity(model, ids, length), "tokens": len(ids) - 1}


if __name__ == "__main__":
    main()
