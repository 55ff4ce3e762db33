"""The choice of a token: against probabilities computed by hand, and against plain loops."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from rfa_runtime.decoding.adjusting import penalize
from rfa_runtime.decoding.likelihood import likelihood
from rfa_runtime.decoding.sampling import Sampler, most_likely, typical
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import LogitsError, OptionError

LOGITS = np.log(np.array([0.05, 0.4, 0.1, 0.3, 0.15])).astype(np.float32)


def frequencies(config: SamplingConfig, logits: np.ndarray = LOGITS, draws: int = 4000) -> np.ndarray:
    sampler = Sampler(config, len(logits), [])
    return np.bincount([sampler.choose(logits) for _ in range(draws)], minlength=len(logits)) / draws


def test_temperature_zero_takes_the_most_likely() -> None:
    assert frequencies(SamplingConfig(), draws=10).tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"temperature": 1.0}, [0.05, 0.4, 0.1, 0.3, 0.15]),
        ({"temperature": 0.5}, np.array([0.05, 0.4, 0.1, 0.3, 0.15]) ** 2),
        ({"temperature": 1.0, "top_k": 2}, [0, 0.4, 0, 0.3, 0]),
        ({"temperature": 1.0, "top_k": 99}, [0.05, 0.4, 0.1, 0.3, 0.15]),
        ({"temperature": 1.0, "top_p": 0.69}, [0, 0.4, 0, 0.3, 0]),
        ({"temperature": 1.0, "top_p": 0.71}, [0, 0.4, 0, 0.3, 0.15]),
        ({"temperature": 1.0, "top_p": 0.01}, [0, 1, 0, 0, 0]),
        ({"temperature": 1.0, "top_p": 1.0}, [0.05, 0.4, 0.1, 0.3, 0.15]),
        ({"temperature": 1.0, "top_k": 3, "top_p": 0.8}, [0, 0.4, 0, 0.3, 0]),
        ({"temperature": 1e-4}, [0, 1, 0, 0, 0]),
    ],
)
def test_tokens_come_as_often_as_they_should(settings: dict[str, Any], wanted: Any) -> None:
    wanted = np.asarray(wanted) / np.sum(wanted)
    found = frequencies(SamplingConfig(seed=5, **settings))
    assert np.all(found[wanted == 0] == 0)
    # 5 standard deviations of 4000 draws
    np.testing.assert_allclose(found, wanted, atol=5 * np.sqrt(0.25 / 4000))


def test_top_p_keeps_the_smallest_set_that_reaches_the_mass() -> None:
    rng = np.random.default_rng(0)
    for size, mass in ((7, 0.5), (100, 0.9), (1000, 0.3), (1000, 0.999), (50, 1.0)):
        probabilities = rng.dirichlet(np.full(size, 0.3))
        wanted, total = [], 0.0
        for token in np.argsort(-probabilities, kind="stable"):
            if wanted and total >= mass:
                break
            wanted.append(int(token))
            total += probabilities[token]
        assert most_likely(probabilities, mass).tolist() == sorted(wanted)


def test_the_penalty_divides_what_is_positive_and_multiplies_what_is_negative() -> None:
    logits = np.array([2.0, -2.0, 3.0, -3.0], np.float32)
    found = penalize(logits, np.array([True, True, False, False]), 2.0)
    assert found.tolist() == [1.0, -4.0, 3.0, -3.0]
    assert logits.tolist() == [2.0, -2.0, 3.0, -3.0]


def test_the_penalty_counts_the_prompt_and_what_was_chosen() -> None:
    sampler = Sampler(SamplingConfig(repetition_penalty=2.0), 4, prompt=[0])
    logits = np.array([4.0, 3.0, 2.5, -1.0], np.float32)
    assert [sampler.choose(logits) for _ in range(4)] == [1, 2, 0, 0]


def test_a_seed_fixes_the_draws_and_each_row_has_its_own() -> None:
    def draws(seed: int | None, row: int) -> list[int]:
        sampler = Sampler(SamplingConfig(temperature=1.0, seed=seed), 5, [], row)
        return [sampler.choose(LOGITS) for _ in range(40)]

    assert draws(1, 0) == draws(1, 0)
    assert draws(1, 0) != draws(1, 1)
    assert draws(1, 0) != draws(2, 0)
    assert draws(None, 0) != draws(None, 0)


def test_huge_logits_do_not_overflow() -> None:
    logits = np.array([1e30, 1e30, -1e30, -np.inf], np.float32)
    found = frequencies(SamplingConfig(temperature=1.0, seed=0), logits)
    np.testing.assert_allclose(found, [0.5, 0.5, 0, 0], atol=0.04)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(temperature: float, bad: float) -> None:
    logits = LOGITS.copy()
    logits[3] = bad
    sampler = Sampler(SamplingConfig(temperature=temperature, top_k=2), 5, [])
    with pytest.raises(LogitsError, match="damaged"):
        sampler.choose(logits)
    with pytest.raises(LogitsError, match="damaged"):
        sampler.choose(np.full(5, -np.inf, np.float32))


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": None},
        {"temperature": "hot"},
        {"top_k": -2},
        {"top_k": 2.5},
        {"top_p": -0.1},
        {"top_p": 1.1},
        {"min_p": 1.1},
        {"repetition_penalty": 0.0},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(settings))):
        SamplingConfig(**settings)


def test_an_unknown_default_in_a_manifest_is_refused() -> None:
    assert SamplingConfig.from_table({"top_k": 3}) == SamplingConfig(top_k=3)
    with pytest.raises(OptionError, match="unknown setting 'topk'"):
        SamplingConfig.from_table({"topk": 3})


def test_numbers_of_numpy_are_as_good_as_pythons() -> None:
    given = SamplingConfig(
        np.float64(0.7), np.int64(5), np.float32(0.5), np.float16(1.5), np.uint8(3), np.float64(0.25)
    )
    assert given == SamplingConfig(0.7, 5, 0.5, 1.5, 3, 0.25)
    kinds = [type(getattr(given, name)) for name in ("temperature", "top_k", "top_p", "seed", "min_p")]
    assert kinds == [float, int, float, int, float]


def test_what_other_tools_write_for_off_is_off() -> None:
    off = SamplingConfig(1.0)
    for settings in ({"top_k": 0}, {"top_k": -1}, {"top_p": 1}, {"top_p": np.float64(1.0)}, {"min_p": 0}):
        assert SamplingConfig(1.0, **settings) == off
        assert SamplingConfig().over(settings).greedy


def test_a_temperature_near_zero_is_greedy_without_a_warning() -> None:
    logits = np.array([0.0, 1.0, 0.999], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for temperature in (1e-30, 5e-324):
            assert Sampler(SamplingConfig(temperature, seed=1), 3, []).choose(logits) == 1


def test_min_p_leaves_what_is_likely_beside_the_most_likely() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    sampler = Sampler(SamplingConfig(1.0, min_p=0.25, seed=0), 4, [])
    assert {sampler.choose(logits) for _ in range(300)} == {0, 1, 2}


def chosen(logits: np.ndarray, count: int, **settings: Any) -> list[int]:
    sampler = Sampler(SamplingConfig(**settings), len(logits), [0])
    return [sampler.choose(logits) for _ in range(count)]


def test_what_was_said_costs_by_presence_and_by_frequency() -> None:
    logits = np.array([3.0, 2.9, 2.0, 0.0], np.float32)
    assert chosen(logits, 3, presence_penalty=0.5) == [0, 1, 0]
    assert chosen(logits, 6, frequency_penalty=0.25) == [0, 1, 0, 1, 0, 1]
    assert chosen(logits, 3, presence_penalty=-1.0) == [0, 0, 0]


def test_biases_are_added_and_banned_tokens_never_come() -> None:
    logits = np.array([3.0, 2.9, 2.0, 0.0], np.float32)
    assert chosen(logits, 1, logit_bias={3: 4.0}) == [3]
    assert chosen(logits, 1, logit_bias={3: 4.0}, banned_tokens=[3, 0]) == [1]
    drawn = chosen(logits, 500, temperature=2.0, seed=0, banned_tokens=np.array([1]))
    assert set(drawn) == {0, 2, 3}


def test_typical_tokens_are_those_of_the_usual_surprise() -> None:
    probabilities = np.array([0.5, 0.25, 0.15, 0.1])
    surprise = -np.log(probabilities)
    usual = np.abs(surprise - (probabilities * surprise).sum())
    assert typical(probabilities, 0.2).tolist() == [int(usual.argmin())]
    assert typical(probabilities, 0.999).tolist() == [0, 1, 2, 3]
    assert set(chosen(np.log(probabilities).astype(np.float32), 300, temperature=1.0, typical_p=0.2, seed=0)) == {1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"logit_bias": [1, 2]}, "logit_bias is .* wanted a table"),
        ({"logit_bias": {"x": 1.0}}, "logit_bias is .* wanted a table"),
        ({"logit_bias": {1: float("nan")}}, "logit_bias is nan"),
        ({"logit_bias": {-1: 1.0}}, "logit_bias is -1"),
        ({"banned_tokens": "12"}, "wanted a list of token ids"),
        ({"banned_tokens": [1.5]}, "banned_tokens is 1.5"),
        ({"typical_p": 2}, "typical_p is 2"),
        ({"presence_penalty": float("inf")}, "presence_penalty is inf"),
    ],
)
def test_odd_adjustments_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SamplingConfig(**settings)


def test_tokens_that_the_model_lacks_are_refused() -> None:
    with pytest.raises(OptionError, match="banned_tokens names token 9, the model knows 0 to 4"):
        Sampler(SamplingConfig(banned_tokens=[9]), 5, [])


def test_a_likelihood_has_the_models_own_logarithms() -> None:
    found = likelihood(LOGITS, 2, 3)
    assert found.logprob == pytest.approx(np.log(0.1), abs=1e-6)
    assert [token for token, _ in found.top] == [1, 3, 4]
    assert np.exp([value for _, value in found.top]) == pytest.approx([0.4, 0.3, 0.15], abs=1e-6)
    assert likelihood(LOGITS, 2, 0).top == ()
    assert len(likelihood(LOGITS, 2, 99).top) == 5
