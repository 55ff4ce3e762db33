"""The kernels of flash-linear-attention in the place of our blocks, on CUDA: the extra `fla`.

They are asked for sums of values and for the normalizer in two calls: with the weights as one more channel of the
values, their number would be odd, and the gradient in 16 bits refuses that (their issue 1241).  Of their forms it is
`chunk`, as `fused_chunk` has given NaN (their issue 122).
"""

from __future__ import annotations

import warnings
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.parallel.agreement import largest_difference
from rfa_models.wording import one_line

try:
    from fla.ops.simple_gla import chunk_simple_gla
except (ImportError, RuntimeError):  # RuntimeError: Triton without a driver
    chunk_simple_gla = None

State = tuple[Tensor, ...]
Result = tuple[Tensor, Tensor, State]
"""Numerator [B, T, H, d], denominator [B, T, H], and the state: S [B, H, K, d] and z [B, H, K, 1]."""

DEVICES = {"cuda"}
"""Where the kernels run."""
NARROWEST = 16
"""Channels of the smallest product that a kernel makes: the weights are the first, zeros are the others."""
AGREEMENT = {torch.float32: 2e-3, torch.float16: 4e-3, torch.bfloat16: 2e-2}
"""How far results and gradients may be from ours in float64, relative to the largest number of each.

A few roundings of what is multiplied: TF32, which stands for float32 there, has an eps of 1e-3, float16 too, bfloat16
of 8e-3.  Not measured yet: the machine that this was written on has no GPU."""


class KernelWarning(UserWarning):
    """The kernels are there and are not used."""


def serves(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> bool:
    """Whether the kernels take such tensors, and agree with ours: they want a state for every head of queries.

    phi_q: [B, T, H, K].  phi_k: [B, T, G, K].  v: [B, T, G, d].
    """
    if chunk_simple_gla is None or phi_q.device.type not in DEVICES or phi_q.dtype not in AGREEMENT:
        return False
    if phi_q.shape[2] != phi_k.shape[2]:
        return False
    features = phi_q.shape[-1]
    values = v.shape[-1]
    if features % 2 or values % 2:
        return False
    return agrees(phi_q.device, phi_q.dtype, features, values)


def attend(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, weight: Tensor, log_decay: Tensor | None, past_state: State | None
) -> Result:
    """What `linear_attention.with_normalizer` computes.

    phi_q, phi_k: [B, T, H, K].  v: [B, T, H, d].  weight: [B, T, H].  log_decay: [B, T, H] or None.
    """
    missing = NARROWEST - 1
    weights = F.pad(weight.unsqueeze(-1), (0, missing)).to(v.dtype)
    past_sums = None
    past_normalizer = None
    if past_state is not None:
        past_sums, past_normalizer = past_state
        past_normalizer = F.pad(past_normalizer, (0, missing))
    numerator, sums = call(phi_q, phi_k, v, log_decay, past_sums)
    denominator, normalizer = call(phi_q, phi_k, weights, log_decay, past_normalizer)
    return numerator, denominator[..., 0], (sums, normalizer[..., :1])


def call(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, past: Tensor | None) -> tuple[Tensor, Tensor]:
    """One call: [B, T, H, K], [B, T, H, V], [B, T, H], [B, H, K, V] -> [B, T, H, V] and [B, H, K, V] in float32."""
    assert chunk_simple_gla is not None
    # Left to itself, it scales by 1/sqrt(K).
    return chunk_simple_gla(
        q.contiguous(),
        k.contiguous(),
        v.contiguous(),
        g=None if log_decay is None else log_decay.contiguous(),
        scale=1.0,
        initial_state=past,
        output_final_state=True,
    )


@cache
def agrees(device: torch.device, dtype: torch.dtype, features: int, values: int) -> bool:
    """Ask once in a process for these sizes, K and d.  Warns, and says no, where the kernels fail or differ."""
    try:
        with torch.enable_grad():
            worst = largest_difference(attend, device, dtype, features, values)
    except Exception as error:  # whatever a compiler of kernels raises
        refuse(f"they failed ({one_line(error)})")
        return False
    if not worst <= AGREEMENT[dtype]:  # NaN, too
        refuse(f"they differ from ours by {worst:.1e} of the largest number in {dtype}, wanted {AGREEMENT[dtype]:.0e}")
        return False
    return True


def refuse(reason: str) -> None:
    """Warn that our own form is used."""
    warnings.warn(
        f"the kernels of flash-linear-attention are not used: {reason}; training goes on with our own form",
        KernelWarning,
        stacklevel=2,
    )
