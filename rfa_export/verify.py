"""Decode a candidate bundle with the runtime itself and hold it to torch's parallel form in float64."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.graph.names import INPUT_IDS, POSITION_IDS
from rfa_export.trace import input_names, reason
from rfa_runtime.bundle import read_bundle
from rfa_runtime.errors import SessionError
from rfa_runtime.session import StepSession

BATCH, PREFILL, STEPS = 2, 64, 512
"""Rows, tokens given at once in pieces of random length, and tokens given one by one after them."""


@dataclass(frozen=True)
class Parity:
    """How near one runtime comes to torch on one bundle."""

    runtime: str
    tokens_compared: int
    tokens_equal: int
    """Positions where the most likely token is the same."""
    near_ties: int
    """Others, where the two candidates differ by less than rounding may: no fault."""
    max_abs_error: float
    """Of any logit."""
    max_relative_error: float
    """The same, relative to the largest logit; this one is held to the tolerance."""

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self)


def verify(module: nn.Module, folder: Path, seed: int = 0) -> Parity:
    """Compare step and scoring graphs with torch on random tokens.

    Raises ParityError where a logit is further from float64 than `tolerances.LOGITS_FLOAT32`, a most likely token
    differs that is not nearly tied, or one of the two cannot run.
    """
    bundle = read_bundle(folder)
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, bundle.manifest.vocab_size, (BATCH, PREFILL + STEPS))
    wanted = reference_logits(module, ids)
    pieces = split_points(rng)
    try:
        stepping = StepSession(bundle)
        found = decode(stepping, ids, pieces)
        scoring = StepSession(bundle, graph="score")
        scored = scoring.step(ids, scoring.new_state(BATCH, capacity=ids.shape[1]))
    except SessionError as error:
        raise ParityError(f"the finished graph does not run: {error}: nothing was written") from error
    accept(compare(scored, wanted), "scoring graph")
    check_top_token(stepping, ids[:1, :PREFILL])
    return accept(compare(found, wanted[:, [end - 1 for end in pieces]]), "step graph")


def reference_logits(module: nn.Module, ids: np.ndarray) -> np.ndarray:
    """Logits of the whole sequence at once in float64.  ids: [B, T] -> [B, T, N]."""
    exact = copy.deepcopy(module).eval().double()
    available = {INPUT_IDS: torch.from_numpy(ids), POSITION_IDS: torch.arange(ids.shape[1]).expand(ids.shape)}
    try:
        with torch.no_grad():
            return exact(**{name: available[name] for name in input_names(module)}).numpy()
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot read {ids.shape[1]} tokens in torch ({reason(error)}), so there is "
            "nothing to compare with: nothing was written"
        ) from error


def split_points(rng: np.random.Generator) -> list[int]:
    """Where each call of the runtime ends: a prefill in random pieces, then token by token."""
    cuts = sorted(rng.choice(np.arange(1, PREFILL), size=3, replace=False).tolist())
    return [*cuts, PREFILL, *range(PREFILL + 1, PREFILL + STEPS + 1)]


def decode(session: StepSession, ids: np.ndarray, ends: list[int]) -> np.ndarray:
    """Logits after each piece of the sequence.  ids: [B, T] -> [B, pieces, N]."""
    state = session.new_state(len(ids))
    starts = [0, *ends[:-1]]
    return np.stack(
        [session.step(ids[:, start:end], state).copy() for start, end in zip(starts, ends, strict=True)], axis=1
    )


def check_top_token(session: StepSession, ids: np.ndarray) -> None:
    """The graph's own choice must be the most likely token.  ids: [1, T], read at once, then half of them singly."""
    state = session.new_state()
    for piece in (ids, *ids[:, ::2].T[:, None]):
        best = int(session.step(piece, state).argmax())
        if session.most_likely(state) != best:
            raise ParityError(
                f"the step graph names token {session.most_likely(state)}, its logits say {best}: nothing was written"
            )


def compare(found: np.ndarray, wanted: np.ndarray) -> Parity:
    """Measure the difference of two sets of logits [B, T, N].  Raises ParityError where any is not finite."""
    for logits, source in ((wanted, "torch"), (found, "ONNX Runtime")):
        if not np.isfinite(logits).all():
            raise ParityError(f"{source} computes logits that are not finite: nothing was written")
    error = np.abs(found - wanted)
    largest = max(np.abs(wanted).max(), np.finfo(np.float32).tiny)  # all may be zero, as in a model before training
    chosen, best = found.argmax(-1), wanted.argmax(-1)
    lead = np.take_along_axis(wanted, best[..., None], -1) - np.take_along_axis(wanted, chosen[..., None], -1)
    tied = (chosen != best) & (lead[..., 0] <= tolerances.NEAR_TIE * largest)
    return Parity(
        runtime=f"onnxruntime {onnxruntime.__version__}",
        tokens_compared=int(best.size),
        tokens_equal=int((chosen == best).sum()),
        near_ties=int(tied.sum()),
        max_abs_error=float(error.max()),
        max_relative_error=float(error.max() / largest),
    )


def accept(parity: Parity, what: str) -> Parity:
    """Return the figures where they are within tolerance, raise ParityError where not."""
    if parity.max_relative_error > tolerances.LOGITS_FLOAT32:
        raise ParityError(
            f"the {what} differs from torch by {parity.max_relative_error:.1e} of the largest logit, "
            f"allowed is {tolerances.LOGITS_FLOAT32:.0e}: nothing was written"
        )
    if parity.tokens_equal + parity.near_ties < parity.tokens_compared:
        raise ParityError(
            f"the {what} prefers other tokens than torch at "
            f"{parity.tokens_compared - parity.tokens_equal - parity.near_ties} of {parity.tokens_compared} positions: "
            "nothing was written"
        )
    return parity
