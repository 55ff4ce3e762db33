"""The kernels of flash-linear-attention: how they are called, and that they are only used where they agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.linear_attention import linear_attention
from rfa_models.attention.parallel import fla
from rfa_models.attention.parallel.agreement import largest_difference, random_case
from rfa_models.attention.parallel.fla import AGREEMENT, KernelWarning, attend, serves

CPU = torch.device("cpu")
FEATURES, VALUES, HEADS = 8, 6, 2
State = tuple[Tensor, Tensor]


def kernel(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    g: Tensor | None = None,
    g_gamma: Tensor | None = None,
    scale: float | None = None,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """`chunk_simple_gla` of fla 0.6 as its documentation has it, a token at a time."""
    assert q.is_contiguous()
    assert k.is_contiguous()
    assert v.is_contiguous()
    assert g_gamma is None
    assert v.shape[-1] % 2 == 0
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    batch, length, heads, features = q.shape
    state = q.new_zeros(batch, heads, features, v.shape[-1]) if initial_state is None else initial_state
    outputs = []
    for t in range(length):
        if g is not None:
            state = state * g[:, t, :, None, None].exp()
        state = state + k[:, t].unsqueeze(-1) * v[:, t].unsqueeze(-2)
        outputs.append(torch.einsum("bhk,bhkv->bhv", q[:, t] * scale, state))
    return torch.stack(outputs, 1), state if output_final_state else None


def wrong_kernel(*args: Any, **settings: Any) -> tuple[Tensor, Tensor | None]:
    output, state = kernel(*args, **settings)
    return output * 1.01, state


def broken_kernel(*args: Any, **settings: Any) -> tuple[Tensor, Tensor | None]:
    raise RuntimeError("no kernel image is available\nand much more")


def nan_kernel(*args: Any, **settings: Any) -> tuple[Tensor, Tensor | None]:
    output, state = kernel(*args, **settings)
    return output * torch.nan, state


@pytest.fixture(autouse=True)
def nothing_asked_yet() -> Iterator[None]:
    fla.agrees.cache_clear()
    yield
    fla.agrees.cache_clear()


def put_in_place(monkeypatch: pytest.MonkeyPatch, stand_in: Any) -> None:
    monkeypatch.setattr(fla, "chunk_simple_gla", stand_in)
    monkeypatch.setattr(fla, "DEVICES", {"cpu"})


def case(gate: bool) -> tuple[list[Tensor | None], State]:
    *tokens, sums, normalizer = random_case(FEATURES, VALUES, gate)
    assert sums is not None
    assert normalizer is not None
    return tokens, (sums, normalizer)


def packed(tokens: list[Tensor | None]) -> list[Tensor | None]:
    phi_q, phi_k, v, weight, log_decay = tokens
    return [phi_q.flatten(2), phi_k.flatten(2), v.flatten(2), weight, log_decay]


@pytest.mark.parametrize("gate", [False, True], ids=["plain", "gate"])
@pytest.mark.parametrize("with_past", [False, True])
def test_kernels_in_our_place_give_what_we_give(gate: bool, with_past: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layouts, scale, states and decays, with a kernel that computes what theirs is said to."""
    tokens, past = case(gate)
    wanted = linear_attention(*packed(tokens), past if with_past else None, heads=HEADS, scale=0.25)
    monkeypatch.setattr(fla, "chunk_simple_gla", kernel)
    monkeypatch.setattr(fla, "serves", lambda *_: True)
    found = linear_attention(*packed(tokens), past if with_past else None, heads=HEADS, scale=0.25)
    for a, b in zip((*found[:2], *found[2]), (*wanted[:2], *wanted[2]), strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() <= FORMS_FLOAT64 * b.abs().max()


def test_their_gradients_are_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fla, "chunk_simple_gla", kernel)
    assert largest_difference(attend, CPU, torch.float64, FEATURES, VALUES) < FORMS_FLOAT64
    assert 1e-9 < largest_difference(attend, CPU, torch.float32, FEATURES, VALUES) < AGREEMENT[torch.float32]


def test_a_kernel_that_agrees_is_used_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, kernel)
    phi_q, v = torch.ones(1, 2, HEADS, FEATURES), torch.ones(1, 2, HEADS, VALUES)
    assert serves(phi_q, phi_q, v)
    put_in_place(monkeypatch, broken_kernel)
    with torch.no_grad():
        assert serves(phi_q, phi_q, v)


@pytest.mark.parametrize(
    ("stand_in", "reason"),
    [
        (wrong_kernel, "differ from ours by .* wanted 2e-03"),
        (nan_kernel, "differ from ours by inf"),
        (broken_kernel, r"they failed \(no kernel image is available\)"),
    ],
)
def test_others_are_refused_with_a_warning(stand_in: Any, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, stand_in)
    phi = torch.ones(1, 2, HEADS, FEATURES)
    with pytest.warns(KernelWarning, match=reason):
        assert not serves(phi, phi, torch.ones(1, 2, HEADS, VALUES))


@pytest.mark.parametrize(
    ("dtype", "features", "values"), [(torch.float64, 8, 6), (torch.float32, 7, 6), (torch.float32, 8, 5)]
)
def test_float64_and_odd_sizes_are_ours(
    dtype: torch.dtype, features: int, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, broken_kernel)
    phi = torch.ones(1, 2, 1, features, dtype=dtype)
    assert not serves(phi, phi, torch.ones(1, 2, 1, values, dtype=dtype))


def test_without_the_package_or_on_the_processor_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = torch.ones(1, 2, HEADS, FEATURES)
    monkeypatch.setattr(fla, "chunk_simple_gla", broken_kernel)
    assert not serves(tensor, tensor, tensor)
    put_in_place(monkeypatch, None)
    assert not serves(tensor, tensor, tensor)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", list(AGREEMENT), ids=str)
@pytest.mark.parametrize(("features", "values"), [(128, 64), (64, 64), (256, 128)])
def test_the_real_kernels_agree_on_a_gpu(dtype: torch.dtype, features: int, values: int) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if fla.chunk_simple_gla is None:
        pytest.skip("fla is not installed: pip install 'rfa-export[fla]'")
    worst = largest_difference(attend, torch.device("cuda"), dtype, features, values)
    print(f"{dtype}, K {features}, d {values}: {worst:.1e}")
    assert worst <= AGREEMENT[dtype]
