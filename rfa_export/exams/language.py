"""Decode random tokens with a finished bundle and hold it to torch's parallel form in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rfa_export.exams.float64 import answering
from rfa_export.exams.parity import Comparison, Parity, accept, largest_of
from rfa_export.exams.steps import (
    PREFILL,
    STEPS,
    check_choice,
    compare_steps,
    running,
    running_here,
    split_points,
)
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.tracing.trace import input_names
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import INPUT_IDS, POSITION_IDS, SCORE, THROUGHPUT
from rfa_runtime.session.step import StepSession

BATCH = 2
"""Rows of random tokens."""
PIECE = 80
"""Tokens that the scoring graph reads in one call."""


@dataclass(frozen=True)
class LanguageExam:
    """Random tokens and torch's logits, an `Exam`.  Letters: B rows, T tokens, N vocabulary."""

    ids: np.ndarray
    """int64 [B, T]."""
    logits: np.ndarray
    """float64 [B, T, N], of the whole sequence at once."""
    ends: list[int]
    """Where each piece ends that a step graph is given: a prompt, then token by token."""
    answered = True

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        """Compare the scoring graph, then the step graph and its own choice of tokens."""
        with running_here("the finished graph does not run"):
            accept(self.score(bundle, bound), "scoring graph", bound)
            session = StepSession(bundle)
            found = self.step(session, bound)
            if THROUGHPUT in bundle.manifest.graphs:
                many = StepSession(bundle, graph=THROUGHPUT)
                accept(self.step(many, bound), "graph for many rows", bound)
            check_top_token(session, self.ids[:1, :PREFILL])
        return accept(found, "step graph", bound)

    def score(self, bundle: Bundle, bound: float) -> Parity:
        """Give the scoring graph all tokens, piece by piece, and compare the logits of every position."""
        length = self.ids.shape[1]
        session = StepSession(bundle, graph=SCORE)
        state = session.new_state(len(self.ids), capacity=length)
        comparison = Comparison(self.largest, bound=bound)
        for start in range(0, length, PIECE):
            piece = slice(start, start + PIECE)
            comparison.add(session.step(self.ids[:, piece], state), self.logits[:, piece])
        return comparison.parity()

    def step(self, session: StepSession, bound: float) -> Parity:
        """Give our own step graph all tokens."""
        state = session.new_state(len(self.ids))
        return compare_steps(session, state, self.ids, self.ends, self.logits, Comparison(self.largest, bound=bound))

    def compare(self, graphs: TargetGraphs) -> Parity:
        """Compare the step graphs on the first row only, and on fewer tokens where the runtime is slow."""
        comparison = Comparison(self.largest, graphs.title, graphs.bound)
        tokens = graphs.runtime.steps
        with running(graphs):
            state = graphs.new_state(1)
            found = compare_steps(graphs, state, self.ids[:1], self.ends, self.logits[:1], comparison, tokens)
        return accept(found, f"step graph of target {graphs.target} in {graphs.runtime.name}", graphs.bound)

    @property
    def largest(self) -> float:
        """The largest logit, whatever its sign."""
        return largest_of(self.logits)


def language_exam(module: nn.Module, vocab_size: int, seed: int = 0) -> LanguageExam:
    """Draw random tokens and compute torch's logits.

    module: `forward(input_ids[, position_ids]) -> logits`.  Raises ParityError where torch cannot read so long a text.
    """
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, vocab_size, (BATCH, PREFILL + STEPS))
    return LanguageExam(ids, reference_logits(module, ids), split_points(rng))


def reference_logits(module: nn.Module, ids: np.ndarray) -> np.ndarray:
    """Logits of whole rows in float64.  ids: [B, T] -> [B, T, N]."""
    names = input_names(module)
    with answering(module, f"read {ids.shape[1]} tokens"):
        rows = [logits_of_row(module, names, row) for row in ids]  # a row at a time: half the memory
    return torch.cat(rows).numpy()


def logits_of_row(module: nn.Module, names: list[str], ids: np.ndarray) -> Tensor:
    """Call a module with the inputs of these names.  ids: [T] -> [1, T, N]."""
    given = {INPUT_IDS: torch.from_numpy(ids)[None]}
    if POSITION_IDS in names:
        given[POSITION_IDS] = torch.arange(len(ids))[None]
    logits: Tensor = module(**given)
    return logits


def check_top_token(session: StepSession, ids: np.ndarray) -> None:
    """Raise ParityError where the graph does not choose the most likely token.

    ids: [1, T], read at once; then every second of them is read by itself.
    """
    state = session.new_state()
    check_choice(session, state, session.step(ids, state), "step graph")
    for place in range(0, ids.shape[1], 2):
        logits = session.step(ids[:, place : place + 1], state)
        check_choice(session, state, logits, "step graph")
