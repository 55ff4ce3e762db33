"""What holds a graph says so when somebody pickles it, in place of a TypeError about a class of ONNX Runtime."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_bundles import environment
from toy_classifiers import write_classifier
from toy_translator import write_toy_translator

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.classification import Classifier
from rfa_runtime.tasks.language import Decoder
from rfa_runtime.tasks.translation import Translator

WRITERS: dict[type[OwnProcess], Callable[[Path], Bundle]] = {
    Translator: write_toy_translator,
    Encoder: write_toy_translator,
    Classifier: write_classifier,
}


@pytest.mark.parametrize("kind", [Decoder, StepSession, Translator, Encoder, Classifier])
def test_what_holds_a_graph_names_the_way_to_other_processes(
    kind: Callable[[Bundle], OwnProcess], toy: Bundle, tmp_path: Path
) -> None:
    name = kind.__name__  # type: ignore[attr-defined]
    writer = WRITERS.get(kind)  # type: ignore[call-overload]
    held = kind(writer(tmp_path / "toy.rfa") if writer else toy)
    for attempt in (pickle.dumps, copy.deepcopy, copy.copy):
        with pytest.raises(SessionError, match=rf"a {name} cannot be pickled .* make a {name} in each.* `spawn`"):
            attempt(held)


def test_what_is_given_to_another_process_can_be_pickled(toy: Bundle) -> None:
    assert pickle.loads(pickle.dumps(toy)) == toy
    found = Decoder(toy, threads=1).generate("Once", max_new_tokens=3)
    assert pickle.loads(pickle.dumps(found)) == found


FORKED = """
import os, sys
from rfa_runtime import Engine, StepSession
import numpy as np

session = StepSession(sys.argv[1], threads=2)
state = session.new_state()
session.step(np.array([[1]]), state)
engine = Engine(sys.argv[1], threads=2)
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
for use in (lambda: session.step(np.array([[1]]), state), lambda: engine.submit("a")):
    try:
        use()
    except Exception as error:
        print(error, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_is_forked_afterwards_is_refused(toy: Bundle) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(toy.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
    first, second = done.stdout.splitlines()
    assert "this StepSession was made before the process was forked" in first
    assert "make another one in each process" in second
