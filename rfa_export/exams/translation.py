"""Translate with a finished bundle and hold it to torch's parallel form in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rfa_export.exams.exam import random_ids
from rfa_export.exams.float64 import answering
from rfa_export.exams.parity import Comparison, Parity, accept, compare, largest_of
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
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import THROUGHPUT
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

LENGTHS = (9, 40)
"""Tokens of the sources, which are read in one batch."""
GREEDY_STEPS = 32
"""Tokens that the decoder chooses for each source by itself."""


@dataclass(frozen=True)
class TranslatorExam:
    """Random sources and targets with torch's logits, an `Exam`.  Letters: B sources, T target tokens, N vocabulary."""

    module: nn.Module
    sources: list[list[int]]
    targets: np.ndarray
    """int64 [B, T], at random."""
    logits: np.ndarray
    """float64 [B, T, N], of whole targets at once."""
    ends: list[int]
    """Where each piece ends that a decoder is given: a prompt, then token by token."""
    answered = False
    """Only the model can judge what the decoder itself chooses."""

    def verify(self, bundle: Bundle, bound: float = LOGITS_FLOAT32) -> Parity:
        """Compare the decoder on random targets, and on the tokens that it chooses itself."""
        with running_here("the finished graphs do not run"):
            encoder = Encoder(bundle)
            session = StepSession(bundle)
            found = self.step(encoder, session, bound)
            if THROUGHPUT in bundle.manifest.graphs:
                many = StepSession(bundle, graph=THROUGHPUT)
                accept(self.step(encoder, many, bound), "decoder for many rows", bound)
            chosen = [greedy(encoder, session, source, bundle) for source in self.sources]
        accept(self.judge(chosen, bound), "decoder on its own tokens", bound)
        return accept(found, "decoder", bound)

    def step(self, encoder: Encoder, session: StepSession, bound: float) -> Parity:
        """Give our own decoder the random targets."""
        state = session.new_state(len(self.sources), cross=encoder.encode(self.sources))
        comparison = Comparison(largest_of(self.logits), bound=bound)
        return compare_steps(session, state, self.targets, self.ends, self.logits, comparison)

    def judge(self, chosen: Sequence[Chosen], bound: float) -> Parity:
        """Compare what the decoder chose for each source with torch.

        Where they agree at every position after equal beginnings, torch would have chosen the same tokens by itself.
        """
        texts = np.array([one.tokens for one in chosen])
        logits = np.stack([one.logits for one in chosen])
        return compare(logits, reference_logits(self.module, self.sources, texts), bound=bound)

    def compare(self, graphs: TargetGraphs) -> Parity:
        """Compare the decoder on random targets only, and on shorter ones where the runtime is slow."""
        comparison = Comparison(largest_of(self.logits), graphs.title, graphs.bound)
        tokens = graphs.runtime.steps
        with running(graphs):
            state = graphs.new_state(len(self.sources), graphs.encode(self.sources))
            found = compare_steps(graphs, state, self.targets, self.ends, self.logits, comparison, tokens)
        return accept(found, f"decoder of target {graphs.target} in {graphs.runtime.name}", graphs.bound)


class Chosen(NamedTuple):
    """What the decoder made of one source by itself."""

    tokens: list[int]
    """T tokens that it read."""
    logits: np.ndarray
    """[T, N], after each of them."""


def translator_exam(module: nn.Module, vocab_size: int, seed: int = 0) -> TranslatorExam:
    """Draw random sources and targets, and compute torch's logits.  Raises ParityError where torch cannot."""
    rng = np.random.default_rng(seed)
    sources = random_ids(rng, vocab_size, LENGTHS)
    targets = rng.integers(0, vocab_size, (len(sources), PREFILL + STEPS))
    logits = reference_logits(module, sources, targets)
    return TranslatorExam(module, sources, targets, logits, split_points(rng))


def reference_logits(module: nn.Module, sources: list[list[int]], targets: np.ndarray) -> np.ndarray:
    """Logits of whole targets in float64, each source by itself: no padding.  targets: [B, T] -> [B, T, N]."""
    longest = max(map(len, sources))
    rows = []
    with answering(module, f"translate {longest} tokens to {targets.shape[1]}"):
        for source, target in zip(sources, targets, strict=True):
            rows.append(parallel_logits(module, torch.tensor([source]), torch.from_numpy(target)[None]))
    return torch.cat(rows).numpy()


def parallel_logits(module: Any, source_ids: Tensor, target_ids: Tensor) -> Tensor:
    """Logits of one target.  source_ids: [1, M], target_ids: [1, T] -> [1, T, N]."""
    memories = module.encode(source_ids, torch.arange(source_ids.shape[1])[None])
    logits, *_ = module.step(target_ids, memories, torch.arange(target_ids.shape[1])[None])
    return logits


def greedy(encoder: Encoder, session: StepSession, source: list[int], bundle: Bundle) -> Chosen:
    """Let the decoder translate one source, each time by its most likely token.

    Raises ParityError where the token that the graph names is not the most likely one.
    """
    state = session.new_state(1, cross=encoder.encode([source]))
    return choose(session, state, bundle.manifest.special_ids.bos or 0)


def choose(session: StepSession, state: State, start: int) -> Chosen:
    """Let the decoder choose every token after the first."""
    token = start
    tokens = []
    rows = []
    for _ in range(GREEDY_STEPS):
        logits = session.step_token(token, state)
        tokens.append(token)
        rows.append(logits[0].copy())
        token = check_choice(session, state, logits, "decoder")
    return Chosen(tokens, np.stack(rows))
