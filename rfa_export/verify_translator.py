"""Translate with a candidate bundle by the runtime itself and hold it to torch's parallel form in float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.parity import Parity, accept, compare, in_float64
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.trace import reason
from rfa_export.verify_steps import PREFILL, decode, running, split_points
from rfa_runtime.bundle import read_bundle
from rfa_runtime.encoder import Encoder
from rfa_runtime.errors import SessionError
from rfa_runtime.session import StepSession
from rfa_runtime.state import State

LENGTHS, STEPS = (9, 40), 256
"""Tokens of the sources, which are read in one batch; tokens of the targets given one by one after the prefill."""
GREEDY_STEPS = 32
"""Tokens that are chosen for each source by itself."""


def verify_translator(module: nn.Module, folder: Path, seed: int = 0, bound: float = LOGITS_FLOAT32) -> Parity:
    """Compare encoder and decoder with torch: on random targets, and on what the decoder itself chooses.

    Raises ParityError where a logit is further from float64 than `tolerances.LOGITS_FLOAT32`, a most likely token
    differs that is not nearly tied, or a graph cannot run.
    """
    bundle = read_bundle(folder)
    rng, vocab_size = np.random.default_rng(seed), bundle.manifest.vocab_size
    sources = [rng.integers(0, vocab_size, length).tolist() for length in LENGTHS]
    targets = rng.integers(0, vocab_size, (len(sources), PREFILL + STEPS))
    ends = split_points(rng, STEPS)
    try:
        encoder, session = Encoder(bundle), StepSession(bundle)
        state = session.new_state(len(sources), cross=encoder.encode(sources))
        found = decode(session, state, targets, ends)
        states = [session.new_state(1, cross=encoder.encode([source])) for source in sources]
        chosen = [choose(session, state, bundle.manifest.special_ids.bos or 0) for state in states]
    except SessionError as error:
        raise ParityError(f"the finished graphs do not run: {error}: nothing was written") from error
    exact = in_float64(module)
    texts, logits = zip(*chosen, strict=True)
    # Equal at every position after equal beginnings: torch alone would have chosen the same tokens.
    own = compare(np.stack(logits), reference_logits(exact, sources, texts), bound=bound)
    accept(own, "decoder on its own tokens", bound)
    wanted = reference_logits(exact, sources, targets)
    return accept(compare(found, wanted[:, [end - 1 for end in ends]], bound=bound), "decoder", bound)


def compare_translator(module: nn.Module, graphs: TargetGraphs, seed: int = 0) -> Parity:
    """Compare a target's encoder and decoder in another runtime with torch on random targets.  Raises ParityError."""
    rng, vocab_size = np.random.default_rng(seed), graphs.bundle.manifest.vocab_size
    sources = [rng.integers(0, vocab_size, length).tolist() for length in LENGTHS]
    targets = rng.integers(0, vocab_size, (len(sources), PREFILL + graphs.runtime.steps))
    ends = split_points(rng, graphs.runtime.steps)
    with running(graphs):
        found = decode(graphs, graphs.new_state(len(sources), graphs.encode(sources)), targets, ends)
    wanted = reference_logits(in_float64(module), sources, targets)
    parity = compare(found, wanted[:, [end - 1 for end in ends]], graphs.title, graphs.bound)
    return accept(parity, f"decoder of target {graphs.target} in {graphs.runtime.name}", graphs.bound)


def reference_logits(exact: nn.Module, sources: list[list[int]], targets: Any) -> np.ndarray:
    """Logits of whole targets at once, each source by itself: no padding.  targets: [B, T] -> [B, T, N]."""
    try:
        with torch.no_grad():
            rows = [parallel_logits(exact, *pair) for pair in zip(sources, targets, strict=True)]
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(exact).__name__} cannot translate {max(map(len, sources))} tokens to {len(targets[0])} in torch "
            f"({reason(error)}), so there is nothing to compare with: nothing was written"
        ) from error
    return torch.cat(rows).numpy()


def parallel_logits(exact: Any, source: list[int], target: Any) -> torch.Tensor:
    """Logits of one target.  source: M ids, target: T ids -> [1, T, N]."""
    source_ids, target_ids = (torch.tensor([list(ids)]) for ids in (source, target))
    memories = exact.encode(source_ids, torch.arange(source_ids.shape[1])[None])
    logits, *_ = exact.step(target_ids, memories, torch.arange(target_ids.shape[1])[None])
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
