"""Whether a step that is replayed from a CUDA graph gives the same tokens, and how fast.

ONNX Runtime runs a step several times to capture it, and each run advances a state that is bound to both past and
present (its issue 32243).  So the capture's state is thrown away: the step is captured first, on any state, then the
true one is written into the same buffers.  A way without that is there to see the fault.

All ways read the same tokens, drawn at random: what they give then depends on all that the state remembers.

Arguments: bundle, provider, tokens.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from rfa_bench.subjects.resident_steps import ResidentSteps
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.session.step import StepSession

WARM = 8
"""Steps at the beginning that are not timed."""
CAPTURE = {"enable_cuda_graph": "1"}
Step = Callable[[int], tuple[int, float]]
"""Reads a token and returns the most likely next one with its logit."""


def main() -> None:
    """A way that fails is a result, too."""
    bundle = read_bundle(sys.argv[1])
    provider = sys.argv[2]
    count = int(sys.argv[3])
    ways: dict[str, Callable[[], Step]] = {
        "the runtime": lambda: runtime_steps(bundle, provider),
        "logits stay on the device": lambda: ResidentSteps(bundle, provider).step,
        "captured": lambda: captured_steps(bundle, provider, forget=True),
        "captured, state not put back": lambda: captured_steps(bundle, provider, forget=False),
    }
    draw = random.Random(0)
    text = [draw.randrange(bundle.manifest.vocab_size) for _ in range(count)]
    wanted: list[tuple[int, float]] = []
    rows = []
    for way, start in ways.items():
        row: dict[str, Any] = {"way": way}
        try:
            found, ms = read(start(), text)
        except RfaRuntimeError as error:
            row["error"] = str(error)
        else:
            wanted = wanted or found
            row |= {"ms_per_token": ms, "tokens": count} | compared(found, wanted)
        rows.append(row)
    print(json.dumps({"rows": rows}))


def runtime_steps(bundle: Bundle, provider: str) -> Step:
    """Steps as a Decoder takes them."""
    session = StepSession(bundle, threads=1, provider=provider)
    steps = session.on(session.new_state())

    def step(token: int) -> tuple[int, float]:
        logits = steps.step(token)
        return steps.most_likely(), float(logits.max())

    return step


def captured_steps(bundle: Bundle, provider: str, forget: bool) -> Step:
    """Steps whose graph was captured before the text begins.  forget: put the empty state back after that."""
    steps = ResidentSteps(bundle, provider, CAPTURE if provider == "cuda" else {})
    steps.step(0)
    if forget:
        steps.forget()
    return steps.step


def read(step: Step, text: list[int]) -> tuple[list[tuple[int, float]], float]:
    """What every step gave, and the median milliseconds of one."""
    found = []
    seconds = []
    for token in text:
        started = time.perf_counter()
        given = step(token)
        seconds.append(time.perf_counter() - started)
        found.append(given)
    return found, statistics.median(seconds[WARM:]) * 1e3


def compared(found: list[tuple[int, float]], wanted: list[tuple[int, float]]) -> dict[str, float]:
    """How many tokens are equal, and how far the logits of the most likely ones are apart at most."""
    equal = 0
    apart = 0.0
    for (token, logit), (wanted_token, wanted_logit) in zip(found, wanted, strict=True):
        if token == wanted_token:
            equal += 1
        apart = max(apart, abs(logit - wanted_logit))
    return {"tokens_equal": equal, "logit_difference": apart}


if __name__ == "__main__":
    main()
