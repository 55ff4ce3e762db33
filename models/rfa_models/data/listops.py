"""ListOps as Long Range Arena defines it [Tay et al. 2021, section 2.2.1]: nested operators on digits, ten classes.

    bracketed   ( ( ( [MAX 2 ) 9 ) ] )     what the files hold
    flat        [MAX 2 9 X                 what models read

MED is the median cut to a whole number, SM the sum modulo 10.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from rfa_models.errors import ConfigError, DataError, ModelError
from rfa_models.whole_files import write_lines
from rfa_models.wording import shown
from rfa_runtime.ending import in_one_line
from rfa_runtime.wording import OVERWRITE


def median(values: list[int]) -> int:
    """The middle of the values, or the mean of the two in the middle, cut to a whole number."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) // 2


OPERATORS: dict[str, Callable[[list[int]], int]] = {
    "[MIN": min,
    "[MAX": max,
    "[MED": median,
    "[SM": lambda values: sum(values) % 10,
}
OPENING = tuple(OPERATORS)
ROUND = ("(", ")")
CLOSING = ("]", "X")
OPERATOR_PROBABILITY = 0.25
"""The rest are digits.  With 6 arguments on average, a level has 1.5 times as many nodes as the one above it."""
MOST_TRIES = 1_000_000
"""Draws in a row without a new expression after which there seem to be no more."""
MOST_TOKENS = 10_000_000
"""The same in tokens: some 10 s of work.  Of 1,990 to 2,000 tokens an expression comes every 300,000."""


def listops_rows(
    count: int,
    seed: int,
    shortest: int = 500,
    longest: int = 2000,
    max_depth: int = 10,
    max_arguments: int = 10,
) -> Iterator[tuple[str, str]]:
    """Yield `count` different pairs (bracketed expression, answer); the same seed gives the same pairs.

    Flat expressions have more than `shortest` and fewer than `longest` tokens.  Raises ConfigError where the settings
    allow too few of them.
    """
    if max_arguments < 2:
        raise ConfigError(f"max_arguments is {max_arguments}: an operator has at least 2")
    rng = random.Random(seed)
    seen: set[bytes] = set()
    tries = 0
    tokens = 0
    while len(seen) < count:
        expression, length = draw(rng, shortest, longest, max_depth, max_arguments)
        digest = blake2b(expression.encode(), digest_size=16).digest()  # 96,000 whole texts would fill the memory
        tries += 1
        tokens += length
        if expression and digest not in seen:
            tries = 0
            tokens = 0
            seen.add(digest)
            yield expression, str(evaluate(expression))
        elif tries >= MOST_TRIES or tokens >= MOST_TOKENS:
            raise ConfigError(
                f"{tries:,} draws gave no new expression after {len(seen):,} of {count:,}: "
                "ask for fewer, or allow more lengths, levels or arguments"
            )


def draw(rng: random.Random, shortest: int, longest: int, max_depth: int, max_arguments: int) -> tuple[str, int]:
    """Draw one bracketed expression, and say how many tokens that took; "" where they were too few or too many."""
    parts: list[str] = []
    missing: list[int] = []  # arguments that each open operator still waits for
    length = 0
    while length < longest:  # else it is given up half-way
        if len(missing) + 1 < max_depth and rng.random() < OPERATOR_PROBABILITY:
            missing.append(rng.randint(2, max_arguments))
            parts.append("( " * (missing[-1] + 1) + rng.choice(OPENING))
            length += 2  # its closing bracket counts, too
            continue
        parts.append(str(int(rng.random() * 10)))
        length += 1
        close_complete(parts, missing)
        if not missing:
            return (" ".join(parts) if shortest < length < longest else ""), length
    return "", length


def close_complete(parts: list[str], missing: list[int]) -> None:
    """Close the argument that was written last, and every operator whose last argument it was."""
    while missing:
        parts.append(")")
        missing[-1] -= 1
        if missing[-1]:
            return
        missing.pop()
        parts.append("] )")


def evaluate(expression: str) -> int:
    """The answer of a bracketed or flat expression.  Raises DataError where it is none."""
    open_operators: list[tuple[str, list[int]]] = [("", [])]  # the first stands around the whole
    round_brackets = 0
    for token in expression.split():
        if token in OPERATORS:
            open_operators.append((token, []))
        elif token in CLOSING:
            operator, values = open_operators.pop()
            if not values or not open_operators:
                raise DataError(f"{shown(expression)}: {token!r} closes nothing, or an operator without arguments")
            open_operators[-1][1].append(OPERATORS[operator](values))
        elif token in ROUND:
            round_brackets += 1 if token == "(" else -1
        elif token.isascii() and token.isdigit() and len(token) == 1:
            open_operators[-1][1].append(int(token))
        else:
            raise DataError(f"{shown(expression)}: unknown token {shown(token)}")
        if round_brackets < 0:
            raise DataError(f"{shown(expression)}: ')' without '('")
    if round_brackets or len(open_operators) > 1 or len(open_operators[0][1]) != 1:
        raise DataError(f"{shown(expression)}: not one whole expression: is it cut off?")
    return open_operators[0][1][0]


def flat(expression: str) -> str:
    """The form that Long Range Arena's models read: no round brackets, `X` for `]`."""
    return " ".join("X" if token == "]" else token for token in expression.split() if token not in ROUND)


def flat_rows(rows: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Rows with their expressions in the form that models read."""
    for expression, answer in rows:
        yield flat(expression), answer


def write_table(rows: Iterator[tuple[str, str]], count: int, path: Path) -> None:
    """Write Long Range Arena's table with a progress bar; whole, or not at all."""
    console = Console(stderr=True)
    bar = track(rows, str(path), count, console=console, disable=not console.is_terminal)
    write_lines(map("\t".join, chain([("Source", "Target")], bar)), path)


EPILOG = "Example:  python -m rfa_models.data.listops train.tsv --count 96000 --seed 1"


@click.command(epilog=EPILOG)
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--count", type=click.IntRange(min=1), default=96_000, show_default=True, help="Expressions.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed for every file of a task.")
@click.option("--shortest", type=int, default=500, show_default=True, help="Flat tokens, not included.")
@click.option("--longest", type=int, default=2000, show_default=True, help="Flat tokens, not included.")
@click.option("--flat", "as_flat", is_flag=True, help="Write the form that models read, without round brackets.")
@click.option("--overwrite", is_flag=True, help="Replace a file at the output.")
def main(output: Path, count: int, seed: int, shortest: int, longest: int, as_flat: bool, overwrite: bool) -> None:
    """Write a ListOps table to OUTPUT: header Source, Target, then an expression and its answer on each line.

    Different seeds give files that may share short expressions, hardly ever long ones.
    """
    with in_one_line(ModelError):
        if output.exists() and not overwrite:
            raise ConfigError(f"{output} exists: give another name, or ", OVERWRITE)
        rows = listops_rows(count, seed, shortest, longest)
        write_table(flat_rows(rows) if as_flat else rows, count, output)


if __name__ == "__main__":
    main()
