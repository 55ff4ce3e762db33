"""Decode a candidate bundle with the runtime itself and hold it to torch's parallel form in float64."""

from __future__ import annotations

import copy
import inspect
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.graph.names import POSITION_IDS
from rfa_runtime.bundle import read_bundle
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

    Raises ParityError where a logit is further from float64 than `tolerances.LOGITS_FLOAT32`, or a most likely token
    differs that is not nearly tied.
    """
    bundle = read_bundle(folder)
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, bundle.manifest.vocab_size, (BATCH, PREFILL + STEPS))
    wanted = reference_logits(module, ids)
    pieces = split_points(rng)
    found = decode(StepSession(bundle), ids, pieces)
    parity = compare(found, wanted[:, [end - 1 for end in pieces]])
    scoring = StepSession(bundle, graph="score")
    scored = scoring.step(ids, scoring.new_state(BATCH, capacity=ids.shape[1]))
    accept(compare(scored, wanted), folder, "scoring graph")
    return accept(parity, folder, "step graph")


def reference_logits(module: nn.Module, ids: np.ndarray) -> np.ndarray:
    """Logits of the whole sequence at once in float64.  ids: [B, T] -> [B, T, N]."""
    exact = copy.deepcopy(module).eval().double()
    inputs = {"input_ids": torch.from_numpy(ids)}
    if POSITION_IDS in inspect.signature(module.forward).parameters:
        inputs[POSITION_IDS] = torch.arange(ids.shape[1]).expand(ids.shape)
    with torch.no_grad():
        return exact(**inputs).numpy()


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


def compare(found: np.ndarray, wanted: np.ndarray) -> Parity:
    """Measure the difference of two sets of logits [B, T, N]."""
    error = np.abs(found - wanted)
    largest = np.abs(wanted).max()
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


def accept(parity: Parity, folder: Path, what: str) -> Parity:
    """Return the figures where they are within tolerance, raise ParityError where not."""
    if not parity.max_relative_error <= tolerances.LOGITS_FLOAT32:  # also refuses NaN
        raise ParityError(
            f"{folder.name}: the {what} differs from torch by {parity.max_relative_error:.1e} of the largest logit, "
            f"allowed is {tolerances.LOGITS_FLOAT32:.0e}: nothing was written"
        )
    if parity.tokens_equal + parity.near_ties < parity.tokens_compared:
        raise ParityError(
            f"{folder.name}: the {what} prefers other tokens than torch at "
            f"{parity.tokens_compared - parity.tokens_equal - parity.near_ties} of {parity.tokens_compared} positions: "
            "nothing was written"
        )
    return parity
