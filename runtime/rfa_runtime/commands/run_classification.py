"""`rfa-run` with a classifier: name the class of a text, of every line of a file, or score labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.commands.shared import one_text, run_lines, show_score
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.one_line import as_json_line, documents, with_probability


def run_classification(
    bundle: Bundle,
    threads: int | None,
    provider: str,
    score: tuple[Path, ...],
    inputs: tuple[Path, ...],
    **options: Any,
) -> None:
    """Score a file, classify its lines, or classify one text: what the options ask for."""
    if inputs:
        run_lines(bundle, rfa_runtime.ClassifyLines(options["as_json"]), threads, provider, inputs, **options)
        return
    classifier = rfa_runtime.Classifier(bundle, threads, provider)
    if score:
        show_accuracy(classifier, score, **options)
    else:
        classify(classifier, **options)


def classify(
    classifier: rfa_runtime.Classifier, prompt: str | None, prompt_file: Path | None, as_json: bool, **_: Any
) -> None:
    """Print the class of a text."""
    found = classifier.classify(documents(one_text(prompt, prompt_file), classifier.pairs))
    print(as_json_line(found) if as_json else with_probability(found.label, found.probabilities))


def show_accuracy(
    classifier: rfa_runtime.Classifier, files: tuple[Path, ...], as_json: bool, batch: int, **_: Any
) -> None:
    """Print how often the classifier is right."""
    if len(files) > 1:
        raise OptionError(f"--score came {len(files)} times, a classifier scores one file of labelled texts")
    found = rfa_runtime.score_classifier(classifier, rfa_runtime.read_labelled(files[0]), batch)
    show_score(found, f"accuracy {found.accuracy:.4f} over {found.items:,} texts", as_json)
