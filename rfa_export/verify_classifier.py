"""Classify texts of unlike length with a candidate bundle by the runtime itself and hold it to torch in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.graph.names import INPUT_IDS, PAIR
from rfa_export.parity import Parity, accept, compare, in_float64
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.trace import reason
from rfa_export.verify_steps import running
from rfa_runtime.bundle import read_bundle
from rfa_runtime.classifier import Classifier
from rfa_runtime.errors import SessionError

TEXTS, BATCH = 32, 8
LONGEST = 1024
"""Tokens of the longest random text, where the model reads so many; most are far shorter."""

Text = tuple[list[int], ...]
"""One text, or a pair."""


def verify_classifier(
    module: nn.Module, folder: Path, seed: int = 0, bound: float = LOGITS_FLOAT32, batch: int = BATCH
) -> Parity:
    """Compare the logits of random texts, padded in batches, with torch's of each text by itself.

    batch: texts that go through the graph together.  Raises ParityError where a logit is further from float64 than
    `tolerances.LOGITS_FLOAT32`, a most likely class differs that is not nearly tied, or the graph cannot run.
    """
    bundle = read_bundle(folder)
    try:
        classifier = Classifier(bundle)
        texts = random_texts(seed, bundle.manifest.vocab_size, bundle.manifest.max_tokens, 1 + classifier.pairs)
        found = np.concatenate([classifier.logits(texts[i : i + batch]) for i in range(0, TEXTS, batch)])
    except SessionError as error:
        raise ParityError(f"the finished graph does not run: {error}: nothing was written") from error
    return accept(compare(found, reference_logits(module, texts), bound=bound), "classifier", bound)


def compare_classifier(module: nn.Module, graphs: TargetGraphs, seed: int = 0) -> Parity:
    """Compare a target's graph in another runtime with torch, as `verify_classifier`.  Raises ParityError."""
    manifest = graphs.bundle.manifest
    pairs = PAIR + INPUT_IDS in graphs.spec("model").inputs
    texts = random_texts(seed, manifest.vocab_size, manifest.max_tokens, 1 + pairs)
    with running(graphs):
        found = np.concatenate([graphs.classify(texts[i : i + BATCH]) for i in range(0, TEXTS, BATCH)])
    parity = compare(found, reference_logits(module, texts), graphs.title, graphs.bound)
    return accept(parity, f"classifier of target {graphs.target} in {graphs.runtime.name}", graphs.bound)


def random_texts(seed: int, vocab_size: int, max_tokens: int, documents: int) -> list[Text]:
    """Texts of random ids and of lengths from 1 to the longest, as many short as long ones by their logarithm."""
    rng, longest = np.random.default_rng(seed), min(max_tokens or LONGEST, LONGEST)
    lengths = np.exp(rng.uniform(0, np.log(longest), (TEXTS, documents))).astype(int)
    lengths[0] = longest
    return [tuple(rng.integers(0, vocab_size, length).tolist() for length in row) for row in lengths]


def reference_logits(module: nn.Module, texts: list[Text]) -> np.ndarray:
    """Logits in float64, without padding.  Returns [texts, C]."""
    exact, rows = in_float64(module), []
    try:
        with torch.no_grad():
            for text in texts:
                given = [(torch.tensor([ids]), torch.arange(len(ids))[None], None) for ids in text]
                rows.append(exact(*(tensor for document in given for tensor in document)))
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot read {max(map(len, texts[0]))} tokens in torch ({reason(error)}), so "
            "there is nothing to compare with: nothing was written"
        ) from error
    return torch.cat(rows).numpy()
