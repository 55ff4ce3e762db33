"""The beams of one source against every hypothesis there is, over probabilities in a table: no graph, no batch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rfa_runtime.decoding.beam import Beams
from rfa_runtime.decoding.candidates import candidates
from rfa_runtime.decoding.search_config import SearchConfig

VOCAB, END = 6, 5
PENALTIES = [0.0, 0.5, 1.0, 2.0, -1.0]


def table(seed: int) -> np.ndarray:
    """Logits after each token, the start as the last: float32 [VOCAB + 1, VOCAB]."""
    return np.random.default_rng(seed).standard_normal((VOCAB + 1, VOCAB)).astype(np.float32) * 2


def search(logits: np.ndarray, config: SearchConfig, eos: int | None = END) -> Beams:
    """Run the beams of one source to their end."""
    beams = Beams(config, config.limit(1), eos)
    last = np.full(config.beam, VOCAB)
    while not beams.done:
        _, chosen = beams.advance(*candidates(logits[last], 2 * config.beam))
        last = np.array(chosen)
    return beams


def everything(logits: np.ndarray, config: SearchConfig, limit: int) -> list[tuple[float, list[int]]]:
    """Score and tokens of all hypotheses up to a length, the best first."""
    exact = logits.astype(np.float64)
    exact -= np.log(np.exp(exact).sum(1, keepdims=True))
    found = []
    for length in range(1, limit + 1):
        for tokens in itertools.product(range(VOCAB), repeat=length):
            if END not in tokens[:-1] and (tokens[-1] == END or length == limit):
                total = sum(exact[before, after] for before, after in itertools.pairwise((VOCAB, *tokens)))
                found.append((total / length**config.length_penalty, list(tokens)))
    return sorted(found, key=lambda pair: -pair[0])


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_beam_wider_than_all_hypotheses_finds_the_best_of_them(penalty: float, limit: int) -> None:
    config = SearchConfig(300, penalty, n_best=20, early_stop=False, max_new_tokens=limit)
    for seed in range(5):
        found, wanted = search(table(seed), config).best(), everything(table(seed), config, limit)[:20]
        assert [hypothesis.token_ids for hypothesis in found] == [tokens for _, tokens in wanted]
        np.testing.assert_allclose([hypothesis.score for hypothesis in found], [score for score, _ in wanted])
        assert all(
            hypothesis.finish_reason == ("stop" if hypothesis.token_ids[-1] == END else "length")
            for hypothesis in found
        )


def test_a_beam_of_one_is_greedy_and_ends_with_its_first_end() -> None:
    for seed, early in itertools.product(range(20), (True, False)):
        found = search(table(seed), SearchConfig(1, early_stop=early, max_new_tokens=8)).best()[0]
        token, greedy = VOCAB, list[int]()
        while token != END and len(greedy) < 8:
            token = int(table(seed)[token].argmax())
            greedy.append(token)
        assert found.token_ids == greedy


@pytest.mark.parametrize("penalty", PENALTIES)
def test_going_on_never_finds_worse_and_sometimes_better(penalty: float) -> None:
    better = 0
    for seed in range(60):
        early, late = (
            search(table(seed), SearchConfig(3, penalty, early_stop=early, max_new_tokens=12)).best()[0].score
            for early in (True, False)
        )
        assert late >= early
        better += late > early
    assert better > 0 or penalty <= 0, "where length costs, what ends first is hardly ever beaten"


@pytest.mark.parametrize("penalty", PENALTIES)
def test_going_on_ends_when_nothing_better_can_come(penalty: float) -> None:
    """Stopping there is as good as never stopping."""
    for seed in range(30):
        config = SearchConfig(3, penalty, n_best=3, early_stop=False, max_new_tokens=12)
        beams = search(table(seed), config)
        endless = Endless(config, 12, END)
        last = np.full(3, VOCAB)
        while not endless.done:
            last = np.array(endless.advance(*candidates(table(seed)[last], 6))[1])
        assert beams.best() == endless.best()


class Endless(Beams):
    """Goes on to the limit, whatever was found."""

    def _is_done(self) -> bool:
        return len(self._steps) == self._limit and super()._is_done()


def test_more_penalty_gives_longer_translations() -> None:
    lengths = [
        sum(
            len(search(table(seed), SearchConfig(4, penalty, early_stop=False, max_new_tokens=12)).best()[0].token_ids)
            for seed in range(30)
        )
        for penalty in (0.0, 1.0, 2.0)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


def test_an_end_outside_the_first_ones_does_not_count() -> None:
    """Of two beams' four candidates the end is the third: it could only crowd out what goes on."""
    logits = np.log(np.array([[0.4, 0.3, 0.01, 0.01, 0.08, 0.2]], np.float32))
    beams = Beams(SearchConfig(2), 5, END)
    beams.advance(*candidates(np.repeat(logits, 2, axis=0), 4))
    assert beams.best() == []
    beams = Beams(SearchConfig(3), 5, END)
    beams.advance(*candidates(np.repeat(logits, 3, axis=0), 6))
    assert [hypothesis.token_ids for hypothesis in beams.best()] == [[END]]


def test_hypotheses_that_go_on_are_told_whose_state_they_take() -> None:
    beams = Beams(SearchConfig(2), 5, None)
    parents, tokens = beams.advance(np.array([[0, 1], [0, 1]]), np.log([[0.6, 0.4], [0.6, 0.4]]))
    assert (parents, tokens) == ([0, 0], [0, 1]), "all begin alike: one of them is enough"
    parents, tokens = beams.advance(np.array([[2, 3], [4, 2]]), np.log([[0.5, 0.5], [0.9, 0.1]]))
    assert (parents, tokens) == ([1, 0], [4, 2])


def test_a_model_without_an_end_writes_to_the_limit() -> None:
    found = search(table(0), SearchConfig(3, n_best=3, max_new_tokens=7), eos=None).best()
    assert [(len(hypothesis.token_ids), hypothesis.finish_reason) for hypothesis in found] == [(7, "length")] * 3


def test_a_beam_wider_than_the_vocabulary_begins_with_what_there_is() -> None:
    found = search(table(0), SearchConfig(50, n_best=50, max_new_tokens=1)).best()
    assert len(found) == VOCAB
    assert all(np.isfinite(hypothesis.score) for hypothesis in found)
