"""A small translation task without files: number words, English to German ("twenty-one", "einundzwanzig").

German says the ones before the tens and writes all in one word, so that nothing but the order carries the meaning.
"""

from __future__ import annotations

import random

from rfa_models.errors import ConfigError

LARGEST = 999_999
MOST_PAIRS = 500_000
"""More would take a search for the numbers that are left."""

ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
ENGLISH_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
GERMAN = (
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun",
    "zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
GERMAN_TENS = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")


def number_pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Different numbers as (English, German) words; the same seed gives the same pairs.

    Numbers of one to six digits are equally frequent as long as there are any left.  Raises ConfigError.
    """
    if not 0 <= count <= MOST_PAIRS:
        raise ConfigError(f"{count} pairs of numbers, wanted 0 to {MOST_PAIRS:,}")
    rng = random.Random(seed)
    numbers: dict[int, None] = {}  # a dict keeps the order
    while len(numbers) < count:
        numbers[rng.randrange(10 ** rng.randint(1, 6))] = None
    return [(english(number), german(number)) for number in numbers]


def english(number: int) -> str:
    """A number from 0 to 999,999 in American English, without "and".  Raises ConfigError for others."""
    check_range(number)
    thousands, rest = divmod(number, 1000)
    words = [f"{english_below_1000(thousands)} thousand"] if thousands else []
    if rest or not thousands:
        words.append(english_below_1000(rest))
    return " ".join(words)


def english_below_1000(number: int) -> str:
    """Words for a number from 0 to 999: hundreds, tens and ones."""
    hundreds, rest = divmod(number, 100)
    words = [f"{ENGLISH[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        words.append(f"{ENGLISH_TENS[tens]}-{ENGLISH[ones]}" if ones else ENGLISH_TENS[tens])
    elif rest or not hundreds:
        words.append(ENGLISH[rest])
    return " ".join(words)


def german(number: int) -> str:
    """A number from 0 to 999,999 in German, in one word.  Raises ConfigError for others."""
    check_range(number)
    thousands, rest = divmod(number, 1000)
    word = f"{german_below_1000(thousands)}tausend" if thousands else ""
    if rest or not thousands:
        word += german_below_1000(rest)
    return f"{word}s" if number % 100 == 1 else word  # "ein" grows to "eins" at the end of a number


def german_below_1000(number: int) -> str:
    """One word for a number from 0 to 999: hundreds, ones and tens, in this order."""
    hundreds, rest = divmod(number, 100)
    word = f"{GERMAN[hundreds]}hundert" if hundreds else ""
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        return word + (f"{GERMAN[ones]}und{GERMAN_TENS[tens]}" if ones else GERMAN_TENS[tens])
    return word + (GERMAN[rest] if rest or not hundreds else "")


def check_range(number: int) -> None:
    """Raise ConfigError for a number that has no words here."""
    if not 0 <= number <= LARGEST:
        raise ConfigError(f"{number}, wanted a number from 0 to {LARGEST:,}")
