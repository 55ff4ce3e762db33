"""Perplexity of a model in torch, by the same protocol as `rfa-run --score`.

The text is one stream of tokens cut into segments; each starts from an empty state, every token after the stream's
first is predicted once.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import click
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.checkpoint import load_checkpoint
from rfa_models.data import encode, read_text
from rfa_models.errors import DataError, ModelError

LARGEST_LOSS = math.log(sys.float_info.max)


@torch.no_grad()
def perplexity(model: nn.Module, ids: Tensor, segment_length: int, batch: int = 16) -> float:
    """exp of the mean negative log likelihood of ids[1:], infinite where no float can hold it.

    ids: int [tokens], two at least, else raises DataError.
    """
    check_predictable(ids, "the text")
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    inputs, targets = ids[:-1].long(), ids[1:].long()
    whole = len(inputs) // segment_length * segment_length
    rows = [
        *zip(
            inputs[:whole].view(-1, segment_length).split(batch),
            targets[:whole].view(-1, segment_length).split(batch),
            strict=True,
        )
    ]
    if whole < len(inputs):
        rows.append((inputs[None, whole:], targets[None, whole:]))
    total = sum(summed_loss(model, x.to(device), y.to(device)) for x, y in rows)
    model.train(was_training)
    mean = total / len(inputs)
    return math.inf if mean > LARGEST_LOSS else math.exp(mean)


def check_predictable(ids: Tensor, what: str) -> None:
    """Raise DataError where there is no token to predict.  ids: int [tokens]."""
    if len(ids) < 2:
        raise DataError(f"{what} has {len(ids)} token(s), perplexity needs at least 2: give more text")


def summed_loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Negative log likelihood of all targets together.  inputs, targets: [B, T]."""
    logits = model(inputs).float()
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()


@click.command(epilog="Example:  python -m rfa_models.evaluate model.pt valid.txt")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("text", type=click.Path(path_type=Path))
@click.option("--segment", type=click.IntRange(min=1), help="Tokens per segment; the training length by default.")
def main(checkpoint: Path, text: Path, segment: int | None) -> None:
    """Print the perplexity of CHECKPOINT on TEXT in torch, to compare with `rfa-run --score`."""
    try:
        loaded = load_checkpoint(checkpoint)
        ids = encode(loaded.tokenizer, read_text(text))
        value = perplexity(loaded.model, ids, segment or loaded.segment_length)
    except (ModelError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps({"perplexity": value, "tokens": len(ids) - 1}))


if __name__ == "__main__":
    main()
