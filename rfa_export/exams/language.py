"""Decode random tokens with a finished bundle and hold it to torch's parallel form in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.exams.float64 import float64
from rfa_export.exams.parity import Comparison, Parity, accept, largest_of
from rfa_export.exams.steps import PREFILL, S, Steps, compare_steps, running, split_points
from rfa_export.graph.names import INPUT_IDS, POSITION_IDS
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.tracing.trace import input_names, reason
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session.step import StepSession

BATCH, STEPS = 2, 256
"""Rows, and tokens given one by one after the prefill."""
PIECE = 80
"""Tokens whose logits the scoring graph gives at once."""


@dataclass(frozen=True)
class LanguageExam:
    """As `Exam`.  Letters: B rows, T tokens, N vocabulary."""

    ids: np.ndarray
    """int64 [B, T]."""
    logits: np.ndarray
    """float64 [B, T, N], of the whole sequence at once."""
    ends: list[int]
    """Where each piece ends that a step graph is given: a prefill, then token by token."""
    answered = True

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        """As Exam.verify, of step and scoring graphs."""
        try:
            accept(self.score(bundle, bound), "scoring graph", bound)
            session = StepSession(bundle)
            found = self.step(session, session.new_state(len(self.ids)), Comparison(self.largest, bound=bound))
            check_top_token(session, self.ids[:1, :PREFILL])
        except SessionError as error:
            raise ParityError(f"the finished graph does not run: {error}: nothing was written") from error
        return accept(found, "step graph", bound)

    def compare(self, graphs: TargetGraphs) -> Parity:
        """As Exam.compare, of the step graphs with one row, and fewer tokens where the runtime is slow."""
        comparison = Comparison(self.largest, graphs.title, graphs.bound)
        with running(graphs):
            found = self.step(graphs, graphs.new_state(1), comparison, 1, graphs.runtime.steps)
        return accept(found, f"step graph of target {graphs.target} in {graphs.runtime.name}", graphs.bound)

    @property
    def largest(self) -> float:
        """Of the logits, whatever its sign."""
        return largest_of(self.logits)

    def step(self, steps: Steps[S], state: S, comparison: Comparison, rows: int = BATCH, tokens: int = STEPS) -> Parity:
        """Take steps with some rows, and so many tokens one by one."""
        ends = [end for end in self.ends if end <= PREFILL + tokens]
        return compare_steps(steps, state, self.ids[:rows], ends, self.logits[:rows], comparison)

    def score(self, bundle: Bundle, bound: float) -> Parity:
        """Ask the graph that gives the logits of every position, piece by piece."""
        comparison, session = Comparison(self.largest, bound=bound), StepSession(bundle, graph="score")
        state = session.new_state(len(self.ids), capacity=self.ids.shape[1])
        for start in range(0, self.ids.shape[1], PIECE):
            piece = slice(start, start + PIECE)
            comparison.add(session.step(self.ids[:, piece], state), self.logits[:, piece])
        return comparison.parity()


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
    given = {name: available[name] for name in input_names(module)}
    try:
        with float64(module):  # a row at a time: half the memory
            rows = [
                module(**{name: tensor[row : row + 1] for name, tensor in given.items()}) for row in range(len(ids))
            ]
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot read {ids.shape[1]} tokens in torch ({reason(error)}), so there is "
            "nothing to compare with: nothing was written"
        ) from error
    return torch.cat(rows).numpy()


def check_top_token(session: StepSession, ids: np.ndarray) -> None:
    """The graph's own choice must be the most likely token.  ids: [1, T], read at once, then half of them singly."""
    state = session.new_state()
    for piece in (ids, *ids[:, ::2].T[:, None]):
        best = int(session.step(piece, state).argmax())
        if session.most_likely(state) != best:
            raise ParityError(
                f"the step graph names token {session.most_likely(state)}, its logits say {best}: nothing was written"
            )
