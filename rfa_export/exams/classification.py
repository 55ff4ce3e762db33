"""Classify texts of unlike length with a finished bundle and hold it to torch in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.exams.float64 import float64
from rfa_export.exams.parity import Parity, accept, compare
from rfa_export.exams.steps import running
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.tracing.trace import reason
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.tasks.classification import Classifier

TEXTS, BATCH = 32, 8
LONGEST = 1024
"""Tokens of the longest random text, where the model reads so many; most are far shorter."""

Text = tuple[list[int], ...]
"""One text, or a pair."""


@dataclass(frozen=True)
class ClassifierExam:
    """As `Exam`: texts of random length, which go through a graph padded, several together."""

    texts: list[Text]
    logits: np.ndarray
    """float64 [texts, C], of each text by itself."""
    batch: int = BATCH
    """Texts that go through the graph together."""
    answered = True

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        """As Exam.verify."""
        try:
            classifier = Classifier(bundle)
            found = np.concatenate([classifier.logits(texts) for texts in self.batches()])
        except SessionError as error:
            raise ParityError(f"the finished graph does not run: {error}: nothing was written") from error
        return accept(compare(found, self.logits, bound=bound), "classifier", bound)

    def compare(self, graphs: TargetGraphs) -> Parity:
        """As Exam.compare."""
        with running(graphs):
            found = np.concatenate([graphs.classify(texts) for texts in self.batches()])
        parity = compare(found, self.logits, graphs.title, graphs.bound)
        return accept(parity, f"classifier of target {graphs.target} in {graphs.runtime.name}", graphs.bound)

    def batches(self) -> list[list[Text]]:
        """The texts that go through a graph together."""
        return [self.texts[start : start + self.batch] for start in range(0, len(self.texts), self.batch)]


def classifier_exam(
    module: nn.Module, vocab_size: int, max_tokens: int, pairs: bool, batch: int = BATCH, seed: int = 0
) -> ClassifierExam:
    """Draw texts and compute what torch makes of them.

    max_tokens: that the model reads; 0 for any number.  Raises ParityError where torch cannot read so long a text.
    """
    texts = random_texts(seed, vocab_size, max_tokens, 1 + pairs)
    return ClassifierExam(texts, reference_logits(module, texts), batch)


def random_texts(seed: int, vocab_size: int, max_tokens: int, documents: int) -> list[Text]:
    """Texts of random ids and of lengths from 1 to the longest, as many short as long ones by their logarithm."""
    rng, longest = np.random.default_rng(seed), min(max_tokens or LONGEST, LONGEST)
    lengths = np.exp(rng.uniform(0, np.log(longest), (TEXTS, documents))).astype(int)
    lengths[0] = longest
    return [tuple(rng.integers(0, vocab_size, length).tolist() for length in row) for row in lengths]


def reference_logits(module: nn.Module, texts: list[Text]) -> np.ndarray:
    """Logits in float64, without padding.  Returns [texts, C]."""
    rows = []
    try:
        with float64(module):
            for text in texts:
                given = [(torch.tensor([ids]), torch.arange(len(ids))[None], None) for ids in text]
                rows.append(module(*(tensor for document in given for tensor in document)))
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot read {max(map(len, texts[0]))} tokens in torch ({reason(error)}), so "
            "there is nothing to compare with: nothing was written"
        ) from error
    return torch.cat(rows).numpy()
