"""Texts to the names of their classes: ids -> batches of like length -> logits -> probabilities.

Letters: B rows, T tokens, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.decoding.prompt import encode_text, load_tokenizer
from rfa_runtime.decoding.sampling import check_finite
from rfa_runtime.errors import BundleError, OptionError, PromptError, SessionError
from rfa_runtime.session.ort import one_line, open_session
from rfa_runtime.session.padding import pad, similar

TASK = "classification"
Text = str | tuple[str, str]
"""One text, or a pair where the class is that of two documents."""
INPUTS = ("input_ids", "attention_mask", "position_ids")
PAIR = "pair_"
"""Begins the names of the inputs for the second document."""


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


class Classifier:
    """Names the classes of texts with the model of a bundle."""

    def __init__(self, bundle: Bundle | Path | str, threads: int | None = None, provider: str = "cpu") -> None:
        """Load a bundle, or take one that was read.  threads, provider: see StepSession."""
        self.bundle = bundle if isinstance(bundle, Bundle) else read_bundle(bundle)
        if self.bundle.manifest.task != TASK:
            raise BundleError(
                f"{self.bundle.path.name} is for the task {self.bundle.manifest.task!r}, a Classifier wants {TASK!r}"
            )
        if threads is not None and threads < 1:
            raise OptionError(f"threads is {threads}, wanted at least 1")
        self.labels = self.bundle.manifest.labels
        self.graph = self.bundle.graph("model")
        self.pairs = PAIR + INPUTS[0] in self.graph.inputs
        """Whether it takes pairs of documents."""
        self.tokenizer = load_tokenizer(self.bundle)
        self._session = open_session(self.bundle.path / self.graph.file, threads, provider, long_inputs=True)
        self._check_interface()

    def classify(self, text: Text) -> Classification:
        """Name the class of a text, or of a pair.  Raises PromptError for one that has no tokens."""
        return self.classify_batch([text])[0]

    def classify_batch(self, texts: Sequence[Text]) -> list[Classification]:
        """Name the classes of many texts.  Those of like length go through the graph together."""
        encoded = [self.encode(text) for text in texts]
        found: list[Classification | None] = [None] * len(texts)
        for group in similar([tuple(map(len, documents)) for documents in encoded]):
            members = [encoded[row] for row in group]
            for row, documents, logits in zip(group, members, self.logits(members), strict=True):
                found[row] = self._classification(logits, sum(map(len, documents)))
        return [one for one in found if one is not None]

    def encode(self, text: Text) -> tuple[list[int], ...]:
        """Return the ids of the one or two documents, cut where the model's length ends.  Raises PromptError."""
        documents = (text,) if isinstance(text, str) else text
        if len(documents) != 1 + self.pairs:
            raise PromptError(f"{len(documents)} document(s) came, {self.bundle.path.name} wants {1 + self.pairs}")
        return tuple(map(self._encode, documents))

    def logits(self, encoded: list[tuple[list[int], ...]]) -> np.ndarray:
        """Run the graph on the ids of B texts or pairs, as `encode` gives them.  Returns float32 logits [B, C]."""
        given: dict[str, np.ndarray] = {}
        for prefix, rows in zip(("", PAIR), zip(*encoded, strict=True), strict=False):
            ids, mask = pad(rows)
            positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
            given |= {prefix + name: array for name, array in zip(INPUTS, (ids, mask, positions), strict=True)}
        try:
            (logits,) = self._session.run(["logits"], {name: given[name] for name in self.graph.inputs})
        except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
            raise SessionError(f"ONNX Runtime failed in {self.graph.file}: {one_line(error)}") from error
        if logits.shape != (len(encoded), len(self.labels)):
            raise SessionError(
                f"{self.graph.file} gave logits of shape {logits.shape}, "
                f"wanted ({len(encoded)}, {len(self.labels)}): export the bundle again"
            )
        check_finite(np.abs(logits).max().item())
        return logits

    def _encode(self, text: str) -> list[int]:
        if not text:
            raise PromptError("the text is empty: give some text")
        manifest, first = self.bundle.manifest, self.bundle.manifest.special_ids.bos
        ids = encode_text(text, self.tokenizer, self.bundle)
        if not ids:
            raise PromptError("the text has no characters that the model knows")
        ids = (ids if first is None else [first, *ids])[: manifest.max_tokens or None]
        if max(ids) >= manifest.vocab_size:
            raise PromptError(f"the text has the token {max(ids)}, the model knows 0 to {manifest.vocab_size - 1}")
        return ids

    def _classification(self, logits: np.ndarray, tokens: int) -> Classification:
        """The classes of one text.  logits: float32 [C]."""
        weights = np.exp(logits.astype(np.float64) - logits.max())
        chosen = int(logits.argmax())
        probabilities = dict(zip(self.labels, (weights / weights.sum()).tolist(), strict=True))
        return Classification(self.labels[chosen], chosen, probabilities, tokens)

    def _check_interface(self) -> None:
        """Hold the graph to what the manifest says of it, and both to what this runtime gives."""
        prefixes = ("", PAIR)[: 1 + self.pairs]
        known = {prefix + name for prefix in prefixes for name in INPUTS}
        wanted = {prefix + INPUTS[0] for prefix in prefixes}
        inputs = {value.name for value in self._session.get_inputs()}
        outputs = [value.name for value in self._session.get_outputs()]
        if inputs != set(self.graph.inputs):
            raise SessionError(
                f"{self.graph.file} and the manifest disagree on the inputs {sorted(inputs ^ set(self.graph.inputs))}: "
                "export the bundle again"
            )
        if not wanted <= inputs <= known:
            raise SessionError(f"{self.graph.file} wants inputs {sorted(inputs)}, this runtime gives {sorted(known)}")
        if outputs != ["logits"] or self.graph.logits != "sequence":
            raise SessionError(
                f"{self.graph.file} gives {self.graph.logits!r} logits in {outputs}, wanted 'sequence' in ['logits']"
            )
