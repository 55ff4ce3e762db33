"""The routes of translators and classifiers.  OpenAI has none like them: these are ours."""

from __future__ import annotations

from fastapi import FastAPI

from rfa_runtime.decoding.generation import Translation
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.serve.lines import ClassificationService, TranslationService
from rfa_runtime.serve.replies import Json
from rfa_runtime.serve.wire import ClassificationRequest, TranslationRequest


def add_translations(app: FastAPI, service: TranslationService) -> None:
    """The route of a translator."""

    @app.post("/v1/translations")
    async def translations(asked: TranslationRequest) -> Json:
        """Translate texts."""
        service.check_model(asked.model)
        sources = [asked.input] if isinstance(asked.input, str) else asked.input
        found = await service.translate(sources, search_of(asked))
        read = sum(one.prompt_tokens for one in found)
        written = sum(one.completion_tokens for one in found)
        return {
            "object": "list",
            "model": service.name,
            "data": [translation(place, one) for place, one in enumerate(found)],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }


def search_of(asked: TranslationRequest) -> SearchConfig:
    """How translations are looked for.  Raises OptionError."""
    usual = SearchConfig()
    penalty = usual.length_penalty if asked.length_penalty is None else asked.length_penalty
    return SearchConfig(asked.beam, penalty, asked.n_best, max_new_tokens=asked.max_tokens)


def translation(place: int, found: Translation) -> Json:
    """One translation, and the others that were asked for."""
    others = [{"text": one.text, "score": one.score} for one in found.n_best]
    return {
        "object": "translation",
        "index": place,
        "text": found.text,
        "score": found.score,
        "finish_reason": found.finish_reason,
        "n_best": others,
    }


def add_classifications(app: FastAPI, service: ClassificationService) -> None:
    """The route of a classifier."""

    @app.post("/v1/classifications")
    async def classifications(asked: ClassificationRequest) -> Json:
        """Name the classes of texts, or of pairs."""
        service.check_model(asked.model)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        found = await service.classify(texts)
        read = sum(one.tokens for one in found)
        data = []
        for place, one in enumerate(found):
            entry = {"label": one.label, "label_id": one.label_id, "probabilities": one.probabilities}
            data.append({"object": "classification", "index": place, **entry})
        usage = {"prompt_tokens": read, "total_tokens": read}
        return {"object": "list", "model": service.name, "data": data, "usage": usage}
