"""Classify texts of unlike length with a finished bundle and hold it to torch in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rfa_export.exams.exam import random_ids
from rfa_export.exams.float64 import answering
from rfa_export.exams.parity import Parity, accept, compare
from rfa_export.exams.steps import running, running_here
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.tasks.classification import Classifier

TEXTS = 32
"""Texts of an exam."""
BATCH = 8
"""Texts that go through a graph together."""
LONGEST = 1024
"""Tokens of the longest random text, where the model reads so many; most texts are far shorter."""

Text = tuple[list[int], ...]
"""Token ids of one text, or of a pair."""


@dataclass(frozen=True)
class ClassifierExam:
    """Random texts with torch's logits, an `Exam`.  Several texts go through a graph together, padded."""

    texts: list[Text]
    logits: np.ndarray
    """float64 [texts, C], of each text by itself."""
    batch: int = BATCH
    """Texts that go through a graph together."""
    answered = True

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        with running_here("the finished graph does not run"):
            found = self.classified(Classifier(bundle).logits)
        return accept(compare(found, self.logits, bound=bound), "classifier", bound)

    def compare(self, graphs: TargetGraphs) -> Parity:
        with running(graphs):
            found = self.classified(graphs.classify)
        parity = compare(found, self.logits, graphs.title, graphs.bound)
        return accept(parity, f"classifier of target {graphs.target} in {graphs.runtime.name}", graphs.bound)

    def classified(self, classify: Callable[[list[Text]], np.ndarray]) -> np.ndarray:
        """Classify all texts, batch by batch.  Returns logits [texts, C]."""
        found = []
        for start in range(0, len(self.texts), self.batch):
            found.append(classify(self.texts[start : start + self.batch]))
        return np.concatenate(found)


def classifier_exam(
    module: nn.Module, vocab_size: int, max_tokens: int, pairs: bool, batch: int = BATCH, seed: int = 0
) -> ClassifierExam:
    """Draw random texts, or pairs of texts, and compute torch's logits.

    max_tokens: the most that the model reads; 0 for any number.  Raises ParityError where torch cannot read a text.
    """
    texts = random_texts(seed, vocab_size, max_tokens, documents=2 if pairs else 1)
    return ClassifierExam(texts, reference_logits(module, texts), batch)


def random_texts(seed: int, vocab_size: int, max_tokens: int, documents: int) -> list[Text]:
    """Draw texts of random ids.

    Their lengths go from 1 to the longest; the logarithm of a length is drawn evenly, so that short ones are frequent.
    """
    rng = np.random.default_rng(seed)
    longest = min(max_tokens or LONGEST, LONGEST)
    lengths = np.exp(rng.uniform(0, np.log(longest), (TEXTS, documents))).astype(int)
    lengths[0] = longest
    return [random_text(rng, vocab_size, row) for row in lengths]


def random_text(rng: np.random.Generator, vocab_size: int, lengths: np.ndarray) -> Text:
    """Draw one text, or a pair.  lengths: [documents]."""
    return tuple(random_ids(rng, vocab_size, lengths))


def reference_logits(module: nn.Module, texts: list[Text]) -> np.ndarray:
    """Logits in float64, without padding.  Returns [texts, C]."""
    longest = max(map(len, texts[0]))
    with answering(module, f"read {longest} tokens"):
        rows = [module(*arguments(text)) for text in texts]
    return torch.cat(rows).numpy()


def arguments(text: Text) -> list[Tensor | None]:
    """Ids and positions [1, T] of each document, and no mask."""
    given: list[Tensor | None] = []
    for ids in text:
        given += [torch.tensor([ids]), torch.arange(len(ids))[None], None]
    return given
