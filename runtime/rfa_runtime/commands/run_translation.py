"""`rfa-run` with a translator: translate a text, every line of a file, or score the translations of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import ENCODER
from rfa_runtime.commands.shared import one_text, run_lines, show, show_score, texts
from rfa_runtime.errors import BundleError, OptionError
from rfa_runtime.line_files.one_line import as_json_line

EFFECTIVE_ORDER = "eff:yes"
"""In sacreBLEU's signature, where there are no 4-grams."""


def run_translation(
    bundle: Bundle,
    threads: int | None,
    provider: str,
    max_source_tokens: int,
    score: tuple[Path, ...],
    inputs: tuple[Path, ...],
    **options: Any,
) -> None:
    """Score a file, translate its lines, or translate one text: what the options ask for."""
    if ENCODER not in bundle.manifest.graphs:
        raise BundleError(f"{bundle.path.name} is for the task 'translation' and has no encoder: export it again")
    search = search_config(**options)
    if inputs:
        check_one_line(search, options["as_json"])
        job = rfa_runtime.TranslateLines(search, max_source_tokens, options["as_json"])
        run_lines(bundle, job, threads, provider, inputs, **options)
        return
    translator = rfa_runtime.Translator(bundle, threads, provider, max_source_tokens)
    if score:
        show_bleu(translator, search, score, **options)
    else:
        translate(translator, search, **options)


def search_config(
    beam: int, length_penalty: float, n_best: int, no_early_stop: bool, max_new_tokens: int | None, **_: Any
) -> rfa_runtime.SearchConfig:
    """Return the search that the options describe."""
    return rfa_runtime.SearchConfig(beam, length_penalty, n_best, not no_early_stop, max_new_tokens)


def translate(
    translator: rfa_runtime.Translator,
    search: rfa_runtime.SearchConfig,
    prompt: str | None,
    prompt_file: Path | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Print the translation of a text.

    A greedy search prints it word by word; --n-best prints the best few with their scores.
    """
    source = one_text(prompt, prompt_file)
    if as_json:
        print(as_json_line(translator.translate(source, search)))
    elif search.n_best > 1:
        for one in translator.translate(source, search).n_best:
            print(f"{one.score:.4f}\t{one.text}")
    elif search.beam > 1:
        print(translator.translate(source, search).text)
    else:
        show(texts(translator.stream(source, search.max_new_tokens)))


def check_one_line(search: rfa_runtime.SearchConfig, as_json: bool) -> None:
    """Raise OptionError where a line of input has several answers and only JSON could hold them."""
    if search.n_best > 1 and not as_json:
        raise OptionError(f"--n-best {search.n_best} gives several texts for a line of --input: add --json")


def show_bleu(
    translator: rfa_runtime.Translator,
    search: rfa_runtime.SearchConfig,
    files: tuple[Path, ...],
    as_json: bool,
    batch: int,
    **_: Any,
) -> None:
    """Print how near the translations come to those of a file."""
    found = rfa_runtime.score_translator(translator, rfa_runtime.read_pairs(files), search, batch)
    words = f"BLEU {found.bleu:.2f}, chrF {found.chrf:.2f} over {found.items:,} pairs"
    if EFFECTIVE_ORDER in found.signature["bleu"]:
        words += "\nno translation has 4 words: BLEU is of the longest n-grams that there are (effective order)"
    for name, signature in found.signature.items():
        words += f"\n{name} {signature}"
    show_score(found, words, as_json)
