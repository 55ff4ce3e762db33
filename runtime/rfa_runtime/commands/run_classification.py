"""`rfa-run` with a classifier: name the class of a text, of every line of a file, or score labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.commands.shared import as_json_line, one_text, run_lines, show_score
from rfa_runtime.errors import OptionError, PromptError


def run_classification(
    bundle: Bundle,
    threads: int | None,
    provider: str,
    score: tuple[Path, ...],
    input_file: Path | None,
    **options: Any,
) -> None:
    """Score a file, classify its lines, or classify one text: what the options ask for."""
    classifier = rfa_runtime.Classifier(bundle, threads, provider)
    if score:
        show_accuracy(classifier, score, **options)
    elif input_file is not None:
        classify_lines(classifier, input_file=input_file, **options)
    else:
        classify(classifier, **options)


def classify(
    classifier: rfa_runtime.Classifier, prompt: str | None, prompt_file: Path | None, as_json: bool, **_: Any
) -> None:
    """Print the class of a text."""
    found = classifier.classify(documents(one_text(prompt, prompt_file), classifier))
    print(as_json_line(found) if as_json else in_words(found))


def classify_lines(classifier: rfa_runtime.Classifier, as_json: bool, **options: Any) -> None:
    """Write the class of every line."""
    spell = as_json_line if as_json else in_words

    def check(line: str) -> None:
        classifier.encode(documents(line, classifier))

    def classes(lines: list[str]) -> list[str]:
        texts = [documents(line, classifier) for line in lines]
        return list(map(spell, classifier.classify_batch(texts)))

    run_lines(classifier.bundle, rfa_runtime.Worker[str, str](check, classes), {"json": as_json}, **options)


def show_accuracy(
    classifier: rfa_runtime.Classifier, files: tuple[Path, ...], as_json: bool, batch: int, **_: Any
) -> None:
    """Print how often the classifier is right."""
    if len(files) > 1:
        raise OptionError(f"--score came {len(files)} times, a classifier scores one file of labelled texts")
    found = rfa_runtime.score_classifier(classifier, rfa_runtime.read_labelled(files[0]), batch)
    show_score(found, f"accuracy {found.accuracy:.4f} over {found.items:,} texts", as_json)


def documents(text: str, classifier: rfa_runtime.Classifier) -> str | tuple[str, str]:
    """Return the text, or, for a model that compares two texts, the two on both sides of its tab."""
    if not classifier.pairs:
        return text
    parts = text.split("\t")
    if len(parts) != 2:
        raise PromptError(f"{len(parts)} document(s) came, the model compares two: put one tab between them")
    return parts[0], parts[1]


def in_words(found: rfa_runtime.Classification) -> str:
    """Spell the label and its probability, with a tab between them."""
    return f"{found.label}\t{found.probabilities[found.label]:.4f}"
