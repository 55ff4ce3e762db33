"""The figure of a model in torch, by the same protocols as `rfa-run --score`.

    language model    perplexity of a text
    translator        perplexity of the targets of a data file, each token given the right ones before it
    classifier        accuracy on a data file

The results should be identical up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.data.config import ListopsConfig, NumbersConfig
from rfa_models.data.labelled import read_source
from rfa_models.data.pairs import read_sources
from rfa_models.data.texts import encode, read_text, with_start
from rfa_models.errors import ConfigError
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.translator import Translator
from rfa_models.tasks.classification import EncodedTexts, accuracy
from rfa_models.tasks.perplexity import perplexity
from rfa_models.tasks.translation import EncodedPairs, target_perplexity


def evaluate(
    checkpoint: Checkpoint, data: str | Path | Sequence[str | Path], segment: int | None = None
) -> dict[str, float]:
    """Measure a checkpoint on data files: its figure, and of how many tokens or texts it is.

    data: a text, a .tsv or .jsonl, or the two plain files of a translation; one may stand by itself.  segment: tokens
    per segment of a text, 0 carries the state through all of it; None takes what the model was trained with.  Raises
    ConfigError for a number of files that does not fit the task, DataError, or OSError as `open` does.
    """
    model = checkpoint.model
    names = (str(data),) if isinstance(data, str | Path) else tuple(map(str, data))
    if isinstance(model, Translator):
        pairs = EncodedPairs(checkpoint.tokenizer, read_sources(names, NumbersConfig()), max_tokens=0)
        return {"perplexity": target_perplexity(model, pairs), "items": len(pairs)}
    if len(names) != 1:
        raise ConfigError(f"{len(names)} data files, wanted one")
    if isinstance(model, Classifier):
        rows = read_source(names[0], ListopsConfig())
        texts = EncodedTexts(checkpoint.tokenizer, rows, model.config)
        return {"accuracy": accuracy(model, texts), "items": len(rows)}
    ids = encode(checkpoint.tokenizer, read_text(names[0]))
    ids = with_start(ids, checkpoint.special_ids)
    length = checkpoint.segment_length if segment is None else segment
    return {"perplexity": perplexity(model, ids, length), "tokens": len(ids) - 1}
