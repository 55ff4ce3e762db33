"""Decode a candidate bundle with the runtime itself and hold it to torch's parallel form in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from rfa_export.errors import ParityError
from rfa_export.graph.names import INPUT_IDS, POSITION_IDS
from rfa_export.parity import Parity, accept, compare, in_float64
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tolerances import LOGITS_FLOAT32
from rfa_export.trace import input_names, reason
from rfa_export.verify_steps import PREFILL, decode, running, split_points
from rfa_runtime.bundle import read_bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session import StepSession

BATCH, STEPS = 2, 512
"""Rows, and tokens given one by one after the prefill."""


def verify_language(module: nn.Module, folder: Path, seed: int = 0, bound: float = LOGITS_FLOAT32) -> Parity:
    """Compare step and scoring graphs with torch on random tokens.

    Raises ParityError where a logit is further from float64 than `tolerances.LOGITS_FLOAT32`, a most likely token
    differs that is not nearly tied, or one of the two cannot run.
    """
    bundle = read_bundle(folder)
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, bundle.manifest.vocab_size, (BATCH, PREFILL + STEPS))
    wanted = reference_logits(module, ids)
    pieces = split_points(rng, STEPS)
    try:
        stepping = StepSession(bundle)
        found = decode(stepping, stepping.new_state(BATCH), ids, pieces)
        scoring = StepSession(bundle, graph="score")
        scored = scoring.step(ids, scoring.new_state(BATCH, capacity=ids.shape[1]))
    except SessionError as error:
        raise ParityError(f"the finished graph does not run: {error}: nothing was written") from error
    accept(compare(scored, wanted, bound=bound), "scoring graph", bound)
    check_top_token(stepping, ids[:1, :PREFILL])
    return accept(compare(found, wanted[:, [end - 1 for end in pieces]], bound=bound), "step graph", bound)


def compare_language(module: nn.Module, graphs: TargetGraphs, seed: int = 0) -> Parity:
    """Compare a target's step graphs in another runtime with torch on random tokens.  Raises ParityError."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, graphs.bundle.manifest.vocab_size, (1, PREFILL + graphs.runtime.steps))
    wanted = reference_logits(module, ids)
    pieces = split_points(rng, graphs.runtime.steps)
    with running(graphs):
        found = decode(graphs, graphs.new_state(1), ids, pieces)
    parity = compare(found, wanted[:, [end - 1 for end in pieces]], graphs.title, graphs.bound)
    return accept(parity, f"step graph of target {graphs.target} in {graphs.runtime.name}", graphs.bound)


def reference_logits(module: nn.Module, ids: np.ndarray) -> np.ndarray:
    """Logits of the whole sequence at once in float64.  ids: [B, T] -> [B, T, N]."""
    available = {INPUT_IDS: torch.from_numpy(ids), POSITION_IDS: torch.arange(ids.shape[1]).expand(ids.shape)}
    try:
        with torch.no_grad():
            return in_float64(module)(**{name: available[name] for name in input_names(module)}).numpy()
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot read {ids.shape[1]} tokens in torch ({reason(error)}), so there is "
            "nothing to compare with: nothing was written"
        ) from error


def check_top_token(session: StepSession, ids: np.ndarray) -> None:
    """The graph's own choice must be the most likely token.  ids: [1, T], read at once, then half of them singly."""
    state = session.new_state()
    for piece in (ids, *ids[:, ::2].T[:, None]):
        best = int(session.step(piece, state).argmax())
        if session.most_likely(state) != best:
            raise ParityError(
                f"the step graph names token {session.most_likely(state)}, its logits say {best}: nothing was written"
            )
