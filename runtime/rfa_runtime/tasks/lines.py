"""What a model does with every line of a file: continue, translate or classify it.

Such a job is a value: it can be sent to another process, which opens the bundle and does the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.grammar import Grammar
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.line_files.one_line import as_json_line, documents, on_one_line, with_probability
from rfa_runtime.tasks.classification import Classification, Classifier
from rfa_runtime.tasks.language import Decoder
from rfa_runtime.tasks.translation import Translator


class LineJob(Protocol):
    """What is done with every line."""

    def worker(self, bundle: Bundle, threads: int | None = None, provider: str = "cpu") -> Worker[str, str]:
        """Open a bundle for it.  Raises RfaRuntimeError for a bundle of another task."""

    def settings(self) -> dict[str, object]:
        """What the answers depend on besides the bundle, as JSON can hold it."""


@dataclass(frozen=True)
class ContinueLines:
    """A language model's continuation of every line: on one line, its line ends written as `\\n`, or as JSON."""

    given: Mapping[str, Any]
    """Settings of `Decoder.generate`."""
    as_json: bool = False

    def worker(self, bundle: Bundle, threads: int | None = None, provider: str = "cpu") -> Worker[str, str]:
        """Open a language model."""
        decoder = Decoder(bundle, threads, provider)

        def continuations(lines: list[str]) -> list[str]:
            found = decoder.generate_batch(lines, **self.given)
            return [as_json_line(one) if self.as_json else on_one_line(one.text) for one in found]

        return Worker(decoder.encode, continuations)

    def settings(self) -> dict[str, object]:
        """Those of `Decoder.generate`, and whether JSON is written."""
        found: dict[str, object] = dict(self.given)
        form = found.get("grammar")
        if isinstance(form, Grammar):
            found["grammar"] = asdict(form)
        return found | {"json": self.as_json}


@dataclass(frozen=True)
class TranslateLines:
    """The translation of every line, as text or as JSON."""

    search: SearchConfig
    max_source_tokens: int
    as_json: bool = False

    def worker(self, bundle: Bundle, threads: int | None = None, provider: str = "cpu") -> Worker[str, str]:
        """Open a translator."""
        translator = Translator(bundle, threads, provider, self.max_source_tokens)

        def translations(lines: list[str]) -> list[str]:
            found = translator.translate_batch(lines, self.search)
            return [as_json_line(one) if self.as_json else one.text for one in found]

        return Worker(translator.encode, translations)

    def settings(self) -> dict[str, object]:
        """Those of the search, the longest source, and whether JSON is written."""
        return asdict(self.search) | {"json": self.as_json, "max_source_tokens": self.max_source_tokens}


@dataclass(frozen=True)
class ClassifyLines:
    """The class of every line and its probability, with a tab between them, or as JSON."""

    as_json: bool = False

    def worker(self, bundle: Bundle, threads: int | None = None, provider: str = "cpu") -> Worker[str, str]:
        """Open a classifier."""
        classifier = Classifier(bundle, threads, provider)

        def check(line: str) -> None:
            classifier.encode(documents(line, classifier.pairs))

        def classes(lines: list[str]) -> list[str]:
            found = classifier.classify_batch([documents(line, classifier.pairs) for line in lines])
            return [
                as_json_line(one) if self.as_json else with_probability(one.label, one.probabilities) for one in found
            ]

        return Worker(check, classes)

    def spell(self, found: Classification) -> str:
        """Write a class."""
        return as_json_line(found) if self.as_json else with_probability(found.label, found.probabilities)

    def settings(self) -> dict[str, object]:
        """Whether JSON is written."""
        return {"json": self.as_json}
