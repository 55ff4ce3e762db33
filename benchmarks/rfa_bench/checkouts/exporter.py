"""A program that exports one model with the code of a checkout; see `checkout.py`.

Weights are random, from a fixed seed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

import rfa_export
from rfa_bench.subjects.language_twins import random_checkpoint
from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_bench.subjects.shapes import CLASSIFIERS, SIZES
from rfa_export import ClassifierExport, ExportConfig, export, export_task
from rfa_models import Classifier


def main() -> None:
    """Arguments: `language` or `classifier`, size, bundle, settings of ExportConfig as JSON.

    Settings that the checkout does not know are left out.  Prints where the exporter's package lies.
    """
    model, size, bundle, settings = sys.argv[1:5]
    known = {}
    for name, value in json.loads(settings).items():
        if name in ExportConfig.__dataclass_fields__:
            known[name] = value
    config = ExportConfig(**known)
    if model == "classifier":
        export_classifier(size, Path(bundle), config)
    else:
        export(random_checkpoint(SIZES[size]), Path(bundle), progress=quiet, config=config)
    print(json.dumps({"package": rfa_export.__file__}))


def export_classifier(size: str, bundle: Path, config: ExportConfig) -> None:
    """Export a classifier of a named shape."""
    shape = CLASSIFIERS[size]
    torch.manual_seed(0)
    model = Classifier(shape).eval()
    task = ClassifierExport(model, shape.vocab_size, shape.labels)
    export_task(task, bundle, pair_tokenizer(shape.vocab_size), progress=quiet, config=config)


def quiet(stage: str) -> None:
    """Say nothing of the stages."""


if __name__ == "__main__":
    main()
