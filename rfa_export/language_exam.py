"""Decode random tokens with a finished bundle and hold it to torch's parallel form in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.float64 import float64
from rfa_export.graph.names import INPUT_IDS, POSITION_IDS
from rfa_export.parity import Parity, accept, compare
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.steps import PREFILL, decode, running, split_points
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.trace import input_names, reason
from rfa_runtime.bundle import Bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session import StepSession

BATCH, STEPS = 2, 512
"""Rows, and tokens given one by one after the prefill."""


@dataclass(frozen=True)
class LanguageExam:
    """As `Exam`.  Letters: B rows, T tokens, N vocabulary."""

    ids: np.ndarray
    """int64 [B, T]."""
    logits: np.ndarray
    """float64 [B, T, N], of the whole sequence at once."""
    ends: list[int]
    """Where each piece ends that a step graph is given: a prefill, then token by token."""

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        """As Exam.verify, of step and scoring graphs."""
        try:
            accept(compare(score(bundle, self.ids), self.logits, bound=bound), "scoring graph", bound)
            session = StepSession(bundle)
            found = decode(session, session.new_state(len(self.ids)), self.ids, self.ends)
            check_top_token(session, self.ids[:1, :PREFILL])
        except SessionError as error:
            raise ParityError(f"the finished graph does not run: {error}: nothing was written") from error
        return accept(compare(found, self.logits_after(self.ends), bound=bound), "step graph", bound)

    def compare(self, graphs: TargetGraphs) -> Parity:
        """As Exam.compare, of the step graphs with one row, and fewer tokens where the runtime is slow."""
        ends = [end for end in self.ends if end <= PREFILL + graphs.runtime.steps]
        with running(graphs):
            found = decode(graphs, graphs.new_state(1), self.ids[:1], ends)
        parity = compare(found, self.logits_after(ends)[:1], graphs.title, graphs.bound)
        return accept(parity, f"step graph of target {graphs.target} in {graphs.runtime.name}", graphs.bound)

    def logits_after(self, ends: list[int]) -> np.ndarray:
        """Those of the last token of each piece, [B, pieces, N]."""
        return self.logits[:, [end - 1 for end in ends]]


def language_exam(module: nn.Module, vocab_size: int, seed: int = 0) -> LanguageExam:
    """Draw tokens and compute what torch makes of them.

    module: `forward(input_ids[, position_ids]) -> logits`.  Raises ParityError where torch cannot read so long a text.
    """
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, vocab_size, (BATCH, PREFILL + STEPS))
    return LanguageExam(ids, reference_logits(module, ids), split_points(rng, STEPS))


def reference_logits(module: nn.Module, ids: np.ndarray) -> np.ndarray:
    """Logits of the whole sequence at once in float64.  ids: [B, T] -> [B, T, N]."""
    available = {INPUT_IDS: torch.from_numpy(ids), POSITION_IDS: torch.arange(ids.shape[1]).expand(ids.shape)}
    try:
        with float64(module):
            return module(**{name: available[name] for name in input_names(module)}).numpy()
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot read {ids.shape[1]} tokens in torch ({reason(error)}), so there is "
            "nothing to compare with: nothing was written"
        ) from error


def score(bundle: Bundle, ids: np.ndarray) -> np.ndarray:
    """Logits of the graph that gives those of every position.  ids: [B, T] -> [B, T, N]."""
    session = StepSession(bundle, graph="score")
    return session.step(ids, session.new_state(len(ids), capacity=ids.shape[1]))


def check_top_token(session: StepSession, ids: np.ndarray) -> None:
    """The graph's own choice must be the most likely token.  ids: [1, T], read at once, then half of them singly."""
    state = session.new_state()
    for piece in (ids, *ids[:, ::2].T[:, None]):
        best = int(session.step(piece, state).argmax())
        if session.most_likely(state) != best:
            raise ParityError(
                f"the step graph names token {session.most_likely(state)}, its logits say {best}: nothing was written"
            )
