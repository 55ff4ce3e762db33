"""Texts to the names of their classes: ids -> batches of like length -> logits -> probabilities.

Letters: B rows, T tokens, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.interface import CLASSIFICATION, LOGITS, MODEL
from rfa_runtime.decoding.prompt import as_batch, encode_text, load_tokenizer, read_each
from rfa_runtime.errors import BundleError, PromptError, SessionError
from rfa_runtime.session.logits import check_finite
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.padding import at, similar
from rfa_runtime.session.whole import WholeGraph

Text = str | tuple[str, str]
"""One text, or a pair where the class is that of two documents."""


@dataclass(frozen=True)
class Classification:
    """The class of a text; the names are the contract of `rfa-run --json`."""

    label: str
    """Of the most likely class."""
    label_id: int
    probabilities: dict[str, float]
    """By label."""
    tokens: int
    """That were read, of both documents where there are two."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


class Classifier(OwnProcess):
    """Names the classes of texts with the model of a bundle."""

    def __init__(
        self,
        bundle: Bundle | Path | str,
        threads: int | None = None,
        provider: str = "cpu",
        huge_pages: bool = True,
    ) -> None:
        """Load a bundle, or take one that was read.  threads, provider, huge_pages: see StepSession."""
        self.bundle = opened(bundle)
        manifest = self.bundle.manifest
        if manifest.task != CLASSIFICATION:
            raise BundleError(
                f"{self.bundle.path.name} is for the task {manifest.task!r}, a Classifier wants {CLASSIFICATION!r}"
            )
        self.labels = manifest.labels
        self.tokenizer = load_tokenizer(self.bundle)
        self._graph = WholeGraph(self.bundle, MODEL, [LOGITS], threads, provider, huge_pages)
        file = self._graph.spec.file
        if self._graph.spec.logits != "sequence":
            raise SessionError(f"{file} gives {self._graph.spec.logits!r} logits, wanted those of the whole sequence")
        self.pairs = self._graph.takes_pairs
        """Whether it takes pairs of documents."""
        self._documents = 2 if self.pairs else 1

    def classify(self, text: Text) -> Classification:
        """Name the class of a text, or of a pair.  Raises PromptError for one that has no tokens."""
        return self.classify_batch([text])[0]

    def classify_batch(self, texts: Sequence[Text]) -> list[Classification]:
        """Name the classes of many texts; one may stand by itself.

        Texts of like length go through the graph together.
        """
        texts = as_batch(texts)
        encoded = read_each(self.encode, texts)
        found: dict[int, Classification] = {}
        lengths = [tuple(map(len, documents)) for documents in encoded]
        for group in similar(lengths):
            logits = self.logits(at(encoded, group))
            for place, row in enumerate(group):
                found[row] = self._classification(logits[place], sum(lengths[row]))
        return at(found, range(len(texts)))

    def encode(self, text: Text) -> tuple[list[int], ...]:
        """Return the ids of the one or two documents, cut where the model's length ends.  Raises PromptError."""
        documents = (text,) if isinstance(text, str) else text
        for document in documents:
            if not isinstance(document, str):
                raise PromptError(f"a text is {type(document).__name__}, wanted a string, or two where a pair is meant")
        if len(documents) != self._documents:
            raise PromptError(f"{len(documents)} document(s) came, {self.bundle.path.name} wants {self._documents}")
        return tuple(map(self._encode, documents))

    def logits(self, encoded: list[tuple[list[int], ...]]) -> np.ndarray:
        """Run the graph on the ids of B texts or pairs, as `encode` gives them.  Returns float32 logits [B, C]."""
        self.check_process()
        texts = map(
            list, zip(*encoded, strict=True)
        )  # of rows with one or two documents, the first of all, then the second
        logits = self._graph.run(*texts)[LOGITS]
        if logits.shape != (len(encoded), len(self.labels)):
            raise SessionError(
                f"{self._graph.spec.file} gave logits of shape {logits.shape}, "
                f"wanted ({len(encoded)}, {len(self.labels)}): export the bundle again"
            )
        check_finite(np.abs(logits).max().item())
        return logits

    def _encode(self, text: str) -> list[int]:
        if not text:
            raise PromptError("the text is empty: give some text")
        manifest = self.bundle.manifest
        first = manifest.special_ids.bos
        ids = encode_text(text, self.tokenizer, self.bundle)
        if not ids:
            raise PromptError("the text has no characters that the model knows")
        if first is not None:
            ids = [first, *ids]
        ids = ids[: manifest.max_tokens or None]
        if max(ids) >= manifest.vocab_size:
            raise PromptError(f"the text has the token {max(ids)}, the model knows 0 to {manifest.vocab_size - 1}")
        return ids

    def _classification(self, logits: np.ndarray, tokens: int) -> Classification:
        """The classes of one text.  logits: float32 [C]."""
        weights = np.exp(logits.astype(np.float64) - logits.max())
        chosen = int(logits.argmax())
        probabilities = dict(zip(self.labels, (weights / weights.sum()).tolist(), strict=True))
        return Classification(self.labels[chosen], chosen, probabilities, tokens)
