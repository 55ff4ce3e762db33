"""The runtime's searches over an exported translator against searches in plain torch that keep no state at all."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from small_translators import every_setting, random_sources

from rfa_export.tasks.translation import TranslatorExport
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.tasks.translation import Translator

START = 0
LENGTHS = (3, 17, 8)
Hypotheses = list[tuple[float, list[int]]]
"""Scores, or sums of log probabilities, and tokens."""


@dataclass(frozen=True)
class Searched:
    module: Any
    """In float64."""
    end: int
    runtime: Translator


@pytest.fixture(scope="module")
def searched(export_task: Callable[..., Bundle]) -> Searched:
    """A translator with random weights; its end is a token that greedy search comes to, so that it is met."""
    model = every_setting()
    exact = copy.deepcopy(model).double()
    end = greedy(exact, random_sources(*LENGTHS)[0], 6)[-1]
    bundle = export_task(TranslatorExport(model, SpecialIds(START, end)), byte_tokenizer())
    return Searched(exact, end, Translator(bundle, threads=1))


@torch.no_grad()
def log_probabilities(module: Any, source: list[int], tokens: list[int]) -> torch.Tensor:
    """Of the token after these, from the beginning of the source and the target: [N]."""
    return module(torch.tensor([source]), torch.tensor([[START, *tokens]]))[0, -1].log_softmax(-1)


def greedy(module: Any, source: list[int], count: int, end: int | None = None) -> list[int]:
    tokens: list[int] = []
    while len(tokens) < count and (not tokens or tokens[-1] != end):
        tokens.append(int(log_probabilities(module, source, tokens).argmax()))
    return tokens


def beam_search(module: Any, source: list[int], width: int, penalty: float, limit: int, end: int) -> Hypotheses:
    """Each step continues the `width` best that are open, and ends after `width` ends, or at the limit."""
    going: Hypotheses = [(0.0, [])]
    ended: Hypotheses = []
    for _ in range(limit):
        longer = [
            (total + step, [*tokens, token])
            for total, tokens in going
            for token, step in enumerate(log_probabilities(module, source, tokens).tolist())
        ]
        best = sorted(longer, key=lambda one: -one[0])[: 2 * width]
        ended += [one for one in best[:width] if one[1][-1] == end]
        going = [one for one in best if one[1][-1] != end][:width]
        if len(ended) >= width:
            break
    else:
        ended += going
    scored = [(total / len(tokens) ** penalty, tokens) for total, tokens in ended]
    return sorted(scored, key=lambda one: -one[0])[:width]


def sources_of(searched: Searched) -> tuple[list[list[int]], list[list[int]]]:
    """What the runtime is given, and what it reads: the end token closes a source."""
    given = random_sources(*LENGTHS)
    return given, [searched.runtime.encode(source) for source in given]


def test_a_beam_of_one_and_greedy_search_give_what_torch_gives(searched: Searched) -> None:
    given, read = sources_of(searched)
    search = SearchConfig(max_new_tokens=24)
    together = searched.runtime.translate_batch(given, search)
    for source, ids, translation in zip(given, read, together, strict=True):
        wanted = greedy(searched.module, ids, 24, searched.end)
        assert searched.runtime.translate(source, search).token_ids == translation.token_ids == wanted
        ((score, _),) = beam_search(searched.module, ids, 1, 1.0, 24, searched.end)
        assert translation.score == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize(("width", "penalty"), [(2, 1.0), (4, 0.6), (5, 0.0)])
def test_beams_find_what_a_search_in_torch_finds(searched: Searched, width: int, penalty: float) -> None:
    given, read = sources_of(searched)
    search = SearchConfig(width, penalty, n_best=width, max_new_tokens=10)
    reasons = set()
    for ids, translation in zip(read, searched.runtime.translate_batch(given, search), strict=True):
        wanted = beam_search(searched.module, ids, width, penalty, 10, searched.end)
        assert [found.token_ids for found in translation.n_best] == [tokens for _, tokens in wanted]
        assert [found.score for found in translation.n_best] == pytest.approx([score for score, _ in wanted], abs=1e-4)
        reasons |= {found.finish_reason for found in translation.n_best}
    assert penalty == 1 or "stop" in reasons, "at 1 these weights prefer the longest texts"
