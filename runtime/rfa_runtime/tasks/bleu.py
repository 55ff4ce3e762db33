"""BLEU and chrF of a translator, by sacreBLEU: figures that others can compare with theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rfa_runtime.decoding.generation import Translation
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.errors import MissingExtraError
from rfa_runtime.line_files.answers import Worker, answer_rows
from rfa_runtime.line_files.pairs import Pair
from rfa_runtime.line_files.rows import Rows
from rfa_runtime.tasks.translation import Translator

try:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
except ImportError as error:
    raise MissingExtraError(
        "sacreBLEU is not installed, translations are scored with it: pip install 'rfa-runtime[score]'"
    ) from error


@dataclass(frozen=True)
class Bleu:
    """BLEU of a corpus."""

    score: float
    """0 to 100."""
    order: int
    """Words of the longest n-grams that it is made of: 4, or less where no translation is so long."""
    signature: str
    """sacreBLEU's, of how it was made."""


@dataclass(frozen=True)
class TranslationScore:
    """How near translations came to those of the file; the names are the contract of `rfa-run --score --json`."""

    bleu: float
    """Of the whole corpus, 0 to 100.  Where no translation has 4 words, of the longest n-grams that there are."""
    chrf: float
    items: int
    """Rows that could be read.  A source that the model cannot take counts as an empty translation."""
    errors: int
    """Rows that could not be read, and sources that the model cannot take."""
    signature: dict[str, str]
    """How each figure was made, to be published with it."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def score_translator(
    translator: Translator, rows: Rows[Pair], search: SearchConfig | None = None, batch: int = 16
) -> TranslationScore:
    """Translate every source and compare.  batch: rows at once.  Complaints and progress go to standard error."""
    worker = Worker[Pair, Translation](
        check=lambda pair: translator.encode(pair.source),
        work=lambda pairs: translator.translate_batch([pair.source for pair in pairs], search),
    )
    found = answer_rows(rows, worker, batch)
    texts = list(map(text_of, found))
    targets = [pair.target for pair in rows.rows]
    bleu = corpus_bleu(texts, targets)
    chrf = CHRF()
    return TranslationScore(
        bleu=bleu.score,
        chrf=chrf.corpus_score(texts, [targets]).score,
        items=len(found),
        errors=len(rows.errors) + found.count(None),
        signature={"bleu": bleu.signature, "chrf": str(chrf.get_signature())},
    )


def corpus_bleu(texts: Sequence[str], targets: Sequence[str]) -> Bleu:
    """BLEU of translations, over n-grams of up to 4 words.

    Where no translation has 4 words, it would be 0 for the best of them.  Then the longest n-grams that there are take
    that place: sacreBLEU calls it the effective order, and the signature says `eff:yes`.
    """
    metric = BLEU()
    found = metric.corpus_score(texts, [targets])
    if not found.totals[-1]:
        metric = BLEU(effective_order=True)
        found = metric.corpus_score(texts, [targets])
    order = sum(1 for total in found.totals if total)
    return Bleu(found.score, order, str(metric.get_signature()))


def text_of(answer: Translation | None) -> str:
    """The text of a translation; empty where there is none."""
    return "" if answer is None else answer.text
