"""Whether a step that is replayed from a CUDA graph writes the same text, and how fast.

ONNX Runtime runs a step several times to capture it, and each run advances a state that is bound to both past and
present (its issue 32243).  So the capture's state is thrown away: the step is captured first, on any state, then the
true one is written into the same buffers.  A way without that is there to see the fault.

Arguments: bundle, provider, tokens.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from rfa_bench.subjects.resident_steps import ResidentSteps
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.session.step import StepSession

FIRST = 1
"""The token that every text begins with."""
WARM = 8
"""Steps at the beginning that are not timed."""
CAPTURE = {"enable_cuda_graph": "1"}
Step = Callable[[int], int]
"""Reads a token and returns the most likely next one."""


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
    wanted: list[int] = []
    rows = []
    for way, start in ways.items():
        row: dict[str, Any] = {"way": way}
        try:
            tokens, ms = decode(start(), count)
        except RfaRuntimeError as error:
            row["error"] = str(error)
        else:
            wanted = wanted or tokens
            row |= {"ms_per_token": ms, "tokens": count, "tokens_equal": equal_tokens(tokens, wanted)}
        rows.append(row)
    print(json.dumps({"rows": rows}))


def runtime_steps(bundle: Bundle, provider: str) -> Step:
    """Steps as a Decoder takes them."""
    session = StepSession(bundle, threads=1, provider=provider)
    steps = session.on(session.new_state())

    def step(token: int) -> int:
        steps.step(token)
        return steps.most_likely()

    return step


def captured_steps(bundle: Bundle, provider: str, forget: bool) -> Step:
    """Steps whose graph was captured before the text begins.  forget: put the empty state back after that."""
    steps = ResidentSteps(bundle, provider, CAPTURE if provider == "cuda" else {})
    steps.step(FIRST)
    if forget:
        steps.forget()
    return steps.step


def decode(step: Step, count: int) -> tuple[list[int], float]:
    """Greedy tokens, and the median milliseconds of a step."""
    tokens = [FIRST]
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        token = step(tokens[-1])
        seconds.append(time.perf_counter() - started)
        tokens.append(token)
    return tokens, statistics.median(seconds[WARM:]) * 1e3


def equal_tokens(found: list[int], wanted: list[int]) -> int:
    """How many tokens after the first are the same, up to the first that is not."""
    equal = 0
    for one, other in zip(found[1:], wanted[1:], strict=True):
        if one != other:
            break
        equal += 1
    return equal


if __name__ == "__main__":
    main()
