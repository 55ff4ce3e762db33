"""Number words: known cases, and a task that is the same every time."""

import pytest

from rfa_models.data.numbers import english, german, number_pairs
from rfa_models.errors import ConfigError

KNOWN = {
    0: ("zero", "null"),
    1: ("one", "eins"),
    10: ("ten", "zehn"),
    11: ("eleven", "elf"),
    12: ("twelve", "zwölf"),
    16: ("sixteen", "sechzehn"),
    17: ("seventeen", "siebzehn"),
    20: ("twenty", "zwanzig"),
    21: ("twenty-one", "einundzwanzig"),
    30: ("thirty", "dreißig"),
    66: ("sixty-six", "sechsundsechzig"),
    77: ("seventy-seven", "siebenundsiebzig"),
    99: ("ninety-nine", "neunundneunzig"),
    100: ("one hundred", "einhundert"),
    101: ("one hundred one", "einhunderteins"),
    111: ("one hundred eleven", "einhundertelf"),
    342: ("three hundred forty-two", "dreihundertzweiundvierzig"),
    1000: ("one thousand", "eintausend"),
    1001: ("one thousand one", "eintausendeins"),
    1021: ("one thousand twenty-one", "eintausendeinundzwanzig"),
    2305: ("two thousand three hundred five", "zweitausenddreihundertfünf"),
    21_000: ("twenty-one thousand", "einundzwanzigtausend"),
    101_101: ("one hundred one thousand one hundred one", "einhunderteintausendeinhunderteins"),
    700_000: ("seven hundred thousand", "siebenhunderttausend"),
    999_999: (
        "nine hundred ninety-nine thousand nine hundred ninety-nine",
        "neunhundertneunundneunzigtausendneunhundertneunundneunzig",
    ),
}


@pytest.mark.parametrize("number", KNOWN)
def test_known_numbers_have_their_words(number: int) -> None:
    assert (english(number), german(number)) == KNOWN[number]


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_a_number_without_words_is_refused(number: int) -> None:
    for words in (english, german):
        with pytest.raises(ConfigError, match=f"{number}, wanted a number from 0 to 999,999"):
            words(number)


def test_all_numbers_have_words_of_their_own_in_both_languages() -> None:
    for words in (english, german):
        assert len({words(number) for number in range(100_000)}) == 100_000


def test_pairs_are_different_numbers_in_both_languages() -> None:
    pairs = number_pairs(2000, seed=3)
    assert len(set(pairs)) == 2000
    translations = {english(number): german(number) for number in range(1_000_000)}
    assert all(translations[source] == target for source, target in pairs)


def test_short_numbers_are_there_as_well_as_long_ones() -> None:
    sources = [source for source, _ in number_pairs(2000, seed=3)]
    assert sum("thousand" not in source for source in sources) > 500
    assert sum("hundred thousand" in source or "hundred" in source.split(" thousand")[0] for source in sources) > 200


def test_a_seed_gives_the_same_pairs_and_another_seed_others() -> None:
    assert number_pairs(50, seed=1) == number_pairs(50, seed=1)
    assert number_pairs(50, seed=1) == number_pairs(80, seed=1)[:50]
    assert number_pairs(50, seed=1) != number_pairs(50, seed=2)


@pytest.mark.parametrize("count", [-1, 500_001])
def test_more_pairs_than_there_should_be_are_refused(count: int) -> None:
    with pytest.raises(ConfigError, match="wanted 0 to 500,000"):
        number_pairs(count, seed=0)
