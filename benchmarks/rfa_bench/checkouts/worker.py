"""A program that holds one bundle and measures what it is asked, with the code of a checkout; see `checkout.py`.

A line of JSON comes in, {"test": "prompt", "count": 512}, and one goes out: the median milliseconds of some calls, and
the tokens of a call.  The test "memory" tells the most memory that the process has had.
"""

from __future__ import annotations

import json
import random
import statistics
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import rfa_runtime
from rfa_runtime import Bundle, Classifier, Decoder, State, StepSession, read_bundle, score_text
from rfa_runtime.memory import peak_rss_bytes

CHUNK = 512
"""Tokens that are read at once before steps are timed."""
SETTLE_S = 0.3
"""Seconds of calls before those that count: the other process leaves its data in the caches."""
ENOUGH_S = 1.0
"""Seconds of calls that count, after which no further one begins."""
MOST_CALLS = 32

Act = Callable[[], int]
"""One call.  Returns the tokens that it read."""
Tests = dict[str, Callable[[int], Act]]
"""What can be measured, by name.  Each takes a count and prepares its call."""


def main() -> None:
    """Arguments: bundle, threads, tokens that are read before steps are timed.

    Prints first where the runtime's package lies.
    """
    bundle = read_bundle(Path(sys.argv[1]))
    threads, context = map(int, sys.argv[2:4])
    if bundle.manifest.task == "classification":
        tests = classifier_tests(bundle, threads)
    else:
        tests = language_tests(bundle, threads, context)
    print(json.dumps({"package": rfa_runtime.__file__}), flush=True)
    prepared: dict[tuple[str, int], Act] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["test"]
        answer: dict[str, float]
        if name == "memory":
            answer = {"bytes": peak_rss_bytes()}
        else:
            count = asked["count"]
            if (name, count) not in prepared:
                prepared[name, count] = tests[name](count)
            answer = measured(prepared[name, count])
        print(json.dumps(answer), flush=True)


def measured(act: Act) -> dict[str, float]:
    """Median milliseconds of some calls, and the tokens of one.  A call that is long needs no others before it."""
    settled = 0.0
    for _ in range(MOST_CALLS):
        last, tokens = timed(act)
        settled += last
        if settled > SETTLE_S:
            break
    seconds = [last] if last > SETTLE_S else []
    while len(seconds) < MOST_CALLS and sum(seconds) < ENOUGH_S:
        last, tokens = timed(act)
        seconds.append(last)
    return {"ms": statistics.median(seconds) * 1e3, "tokens": tokens}


def timed(act: Act) -> tuple[float, int]:
    """Seconds and tokens of one call."""
    started = time.perf_counter()
    tokens = act()
    return time.perf_counter() - started, tokens


def classifier_tests(bundle: Bundle, threads: int) -> Tests:
    """What a classifier is measured by."""
    classifier = Classifier(bundle, threads=threads)

    def classify(count: int) -> Act:
        """Classify a text of some bytes."""
        text = random_text(count)
        return lambda: classifier.classify(text).tokens

    return {"classify": classify}


def language_tests(bundle: Bundle, threads: int, context: int) -> Tests:
    """What a language model is measured by."""
    decoder = Decoder(bundle, threads=threads)
    session = decoder.session

    def prompt(count: int) -> Act:
        """Read a prompt of some tokens and choose the next one."""
        ids = random_ids(session, 1, count)[0].tolist()
        return lambda: decoder.generate(ids, max_new_tokens=1).prompt_tokens

    def batch(count: int) -> Act:
        """Take a step with some texts side by side, each of which has read the context."""
        state = state_after(session, context).select([0] * count)
        ids = random_ids(session, count, 1)

        def step() -> int:
            if count == 1:
                session.step_token(1, state)
            else:
                session.step(ids, state)
            return count

        return step

    def score(count: int) -> Act:
        """Score a text of some bytes, as `rfa-run --score` does: the graph is loaded every time."""
        text = random_text(count)
        return lambda: score_text(bundle, text, threads=threads).tokens

    return {"prompt": prompt, "batch": batch, "score": score}


def state_after(session: StepSession, context: int) -> State:
    """The state of one text that has read so many tokens."""
    state = session.new_state(1)
    ids = random_ids(session, 1, context)
    for start in range(0, context, CHUNK):
        session.step(ids[:, start : start + CHUNK], state)
    return state


def random_ids(session: StepSession, rows: int, count: int) -> np.ndarray:
    """Token ids int64 [B, T], the same every time."""
    return np.random.default_rng(0).integers(0, session.vocab_size, (rows, count))


def random_text(count: int) -> str:
    """A text of so many bytes, the same every time."""
    return "".join(random.Random(0).choices(string.ascii_lowercase + " ", k=count))


if __name__ == "__main__":
    main()
