"""Translate with a finished bundle and hold it to torch's parallel form in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.exams.float64 import float64
from rfa_export.exams.parity import Comparison, Parity, accept, compare, largest_of
from rfa_export.exams.steps import PREFILL, S, Steps, compare_steps, running, split_points
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.tracing.trace import reason
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

LENGTHS, STEPS = (9, 40), 256
"""Tokens of the sources, which are read in one batch; tokens of the targets given one by one after the prefill."""
GREEDY_STEPS = 32
"""Tokens that are chosen for each source by itself."""


@dataclass(frozen=True)
class TranslatorExam:
    """As `Exam`.  Letters: B sources, T target tokens, N vocabulary."""

    module: nn.Module
    sources: list[list[int]]
    targets: np.ndarray
    """int64 [B, T], at random."""
    logits: np.ndarray
    """float64 [B, T, N], of whole targets at once."""
    ends: list[int]
    """Where each piece ends that a decoder is given: a prefill, then token by token."""
    answered = False
    """What the decoder itself chooses, only the model can judge."""

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        """As Exam.verify: on random targets, and on what the decoder itself chooses."""
        try:
            encoder, session = Encoder(bundle), StepSession(bundle)
            state = session.new_state(len(self.sources), cross=encoder.encode(self.sources))
            found = self.step(session, state, Comparison(largest_of(self.logits), bound=bound))
            states = [session.new_state(1, cross=encoder.encode([source])) for source in self.sources]
            chosen = [choose(session, state, bundle.manifest.special_ids.bos or 0) for state in states]
        except SessionError as error:
            raise ParityError(f"the finished graphs do not run: {error}: nothing was written") from error
        texts, logits = zip(*chosen, strict=True)
        # Equal at every position after equal beginnings: torch alone would have chosen the same tokens.
        own = compare(np.stack(logits), reference_logits(self.module, self.sources, texts), bound=bound)
        accept(own, "decoder on its own tokens", bound)
        return accept(found, "decoder", bound)

    def compare(self, graphs: TargetGraphs) -> Parity:
        """As Exam.compare, on random targets alone, and shorter ones where the runtime is slow."""
        comparison = Comparison(largest_of(self.logits), graphs.title, graphs.bound)
        with running(graphs):
            state = graphs.new_state(len(self.sources), graphs.encode(self.sources))
            found = self.step(graphs, state, comparison, graphs.runtime.steps)
        return accept(found, f"decoder of target {graphs.target} in {graphs.runtime.name}", graphs.bound)

    def step(self, steps: Steps[S], state: S, comparison: Comparison, tokens: int = STEPS) -> Parity:
        """Read targets, so many of their tokens one by one."""
        ends = [end for end in self.ends if end <= PREFILL + tokens]
        return compare_steps(steps, state, self.targets, ends, self.logits, comparison)


def translator_exam(module: nn.Module, vocab_size: int, seed: int = 0) -> TranslatorExam:
    """Draw sources and targets, and compute what torch makes of them.  Raises ParityError where it cannot."""
    rng = np.random.default_rng(seed)
    sources = [rng.integers(0, vocab_size, length).tolist() for length in LENGTHS]
    targets = rng.integers(0, vocab_size, (len(sources), PREFILL + STEPS))
    logits = reference_logits(module, sources, targets)
    return TranslatorExam(module, sources, targets, logits, split_points(rng, STEPS))


def reference_logits(module: nn.Module, sources: list[list[int]], targets: Any) -> np.ndarray:
    """Logits of whole targets in float64, each source by itself: no padding.  targets: [B, T] -> [B, T, N]."""
    try:
        with float64(module):
            rows = [parallel_logits(module, *pair) for pair in zip(sources, targets, strict=True)]
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot translate {max(map(len, sources))} tokens to {len(targets[0])} in torch "
            f"({reason(error)}), so there is nothing to compare with: nothing was written"
        ) from error
    return torch.cat(rows).numpy()


def parallel_logits(module: Any, source: list[int], target: Any) -> torch.Tensor:
    """Logits of one target.  source: M ids, target: T ids -> [1, T, N]."""
    source_ids, target_ids = (torch.tensor([list(ids)]) for ids in (source, target))
    memories = module.encode(source_ids, torch.arange(source_ids.shape[1])[None])
    logits, *_ = module.step(target_ids, memories, torch.arange(target_ids.shape[1])[None])
    return logits


def choose(session: StepSession, state: State, start: int) -> tuple[list[int], np.ndarray]:
    """Let the decoder choose every next token.  Returns those it read [T] and its logits after each [T, N].

    Raises ParityError where the token that the graph names is not the most likely one.
    """
    tokens, rows = [start], []
    for _ in range(GREEDY_STEPS):
        rows.append(session.step_token(tokens[-1], state)[0].copy())
        token, best = session.most_likely(state), int(rows[-1].argmax())
        if token != best:
            raise ParityError(f"the decoder names token {token}, its logits say {best}: nothing was written")
        tokens.append(token)
    return tokens[:-1], np.stack(rows)
