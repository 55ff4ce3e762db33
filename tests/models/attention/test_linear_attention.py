"""The three forms of linear attention are one function."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rfa_export.tolerances import FORMS_FLOAT32, FORMS_FLOAT64, GRADIENTS_FLOAT64
from rfa_models.attention.causal import leave_out_padding
from rfa_models.attention.features import arccos, gaussian
from rfa_models.attention.linear_attention import Result, linear_attention, one_token, quadratic
from rfa_models.attention.parallel.blocks import decays_within
from rfa_models.attention.parallel.chunked import chunked

BATCH, HEADS, VECTORS, WIDTH = 2, 3, 5, 4

few = settings(max_examples=25, deadline=None)
gates = pytest.mark.parametrize("gate", [False, True], ids=["plain", "gate"])
maps = pytest.mark.parametrize("feature_map", [gaussian, arccos])
readers = pytest.mark.parametrize("readers", [1, 2], ids=["own keys", "shared keys"])


def inputs(
    length: int,
    gate: bool,
    feature_map: Callable[[torch.Tensor], torch.Tensor] = gaussian,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    readers: int = 1,
) -> list[Tensor]:
    """readers: heads of queries for each of the HEADS heads of keys."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int, heads: int = HEADS) -> Tensor:
        return torch.randn(BATCH, length, heads, *shape, generator=rng, dtype=torch.float64).to(dtype)

    phi_q = feature_map(draw(1, VECTORS, heads=HEADS * readers)).flatten(-2)
    phi_k = feature_map(draw(1, VECTORS)).flatten(-2)
    return [phi_q, phi_k, draw(WIDTH), -torch.nn.functional.softplus(draw() - 1) if gate else None]


def part(x: list[Tensor], start: int, end: int) -> list[Tensor]:
    return [None if tensor is None else tensor[:, start:end] for tensor in x]


def step_by_step(x: list[Tensor], past_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    outputs, state = [], past_state
    for t in range(x[0].shape[1]):
        output, state = one_token(*part(x, t, t + 1), state)
        outputs.append(output)
    return torch.cat(outputs, 1), state


def assert_same(
    found: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor], tolerance: float = FORMS_FLOAT64
) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert (a - b).abs().max() <= tolerance * b.abs().max()


@gates
@maps
@readers
@pytest.mark.parametrize("length", [1, 2, 7, 16])
def test_quadratic_form_equals_the_recurrence(
    length: int, gate: bool, feature_map: Callable[[torch.Tensor], torch.Tensor], readers: int
) -> None:
    x = inputs(length, gate, feature_map, readers=readers)
    assert_same(quadratic(*x), step_by_step(x))


@gates
@maps
@readers
@pytest.mark.parametrize("chunk", [1, 3, 4, 8, 15, 16, 17])
def test_chunks_of_any_size_equal_the_recurrence(
    chunk: int, gate: bool, feature_map: Callable[[torch.Tensor], torch.Tensor], readers: int
) -> None:
    x = inputs(16, gate, feature_map, readers=readers)
    assert_same(chunked(*x, chunk=chunk), step_by_step(x))


@gates
@readers
@few
@given(length=st.integers(2, 20), chunk=st.integers(1, 9), seed=st.integers(0, 99), data=st.data())
def test_state_carries_over_a_cut_anywhere(
    gate: bool, readers: int, length: int, chunk: int, seed: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, length - 1))
    x = inputs(length, gate, seed=seed, readers=readers)
    whole = quadratic(*x)
    for form in (quadratic, lambda *a: chunked(*a, chunk=chunk), lambda *a: step_by_step(list(a[:4]), a[4])):
        first, state = form(*part(x, 0, cut), None)
        second, state = form(*part(x, cut, length), state)
        assert_same([torch.cat([first, second], 1), state], whole)


@gates
@few
@given(keep=st.lists(st.booleans(), min_size=3, max_size=12).filter(any), chunk=st.integers(1, 5))
def test_padding_anywhere_is_as_if_it_were_not_there(gate: bool, keep: list[bool] | None, chunk: int) -> None:
    phi_q, phi_k, v, log_decay = inputs(len(keep), gate)
    mask = torch.tensor(keep)
    kept = [None if x is None else x[:, mask] for x in (phi_q, phi_k, v, log_decay)]
    packed, log_decay = leave_out_padding(phi_k.flatten(2), log_decay, mask.expand(BATCH, -1))
    output, state = chunked(phi_q, packed.view_as(phi_k), v, log_decay, chunk=chunk)
    assert_same([output[:, mask], state], step_by_step(kept))


@gates
@readers
@pytest.mark.parametrize("chunk", [3, 16])
def test_gradients_of_chunks_equal_those_of_the_quadratic_form(chunk: int, gate: bool, readers: int) -> None:
    x = [*inputs(10, gate, readers=readers), torch.randn(BATCH, HEADS, 2 * VECTORS, WIDTH, dtype=torch.float64)]
    variables = [tensor.requires_grad_() for tensor in x if tensor is not None]

    def gradients(form: Callable[..., Result]) -> list[Tensor]:
        output, state = form(*x)
        return list(torch.autograd.grad(output.sin().sum() + state.cos().sum(), variables))

    assert_same(gradients(lambda *a: chunked(*a, chunk=chunk)), gradients(quadratic), tolerance=GRADIENTS_FLOAT64)


@gates
def test_gradients_of_chunks_equal_finite_differences(gate: bool) -> None:
    x = [None if tensor is None else tensor[:1, :, :1].clone().requires_grad_() for tensor in inputs(5, gate, arccos)]
    assert torch.autograd.gradcheck(lambda *a: chunked(*a, chunk=2), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pattern", [[-50.0], [-1e-9], [-50.0, -1e-9], [-1e-9, -1e-9, -50.0]])
def test_gates_near_zero_and_near_one_stay_finite_and_agree(pattern: list[float], dtype: torch.dtype) -> None:
    x = inputs(24, True, dtype=dtype)
    x[3] = torch.tensor((pattern * 24)[:24], dtype=dtype)[None, :, None].expand(BATCH, 24, HEADS).clone()
    variables = [tensor.requires_grad_() for tensor in x]
    output, state = chunked(*x, chunk=8)
    assert_same([output, state], step_by_step(x), tolerance=FORMS_FLOAT64 if dtype == torch.float64 else FORMS_FLOAT32)
    for gradient in torch.autograd.grad(output.sum() + state.sum(), variables):
        assert gradient.isfinite().all()


def test_a_closed_gate_forgets_everything_before() -> None:
    x = inputs(8, True)
    x[3][:, 5] = -800.0
    output, state = quadratic(*x)
    alone, alone_state = quadratic(*part(x, 5, 8))
    assert_same([output[:, 5:], state], [alone, alone_state])


@gates
@readers
@pytest.mark.parametrize("length", [1, 6])
def test_packed_operator_scales_the_queries_only(length: int, gate: bool, readers: int) -> None:
    phi_q, phi_k, v, log_decay = inputs(length, gate, readers=readers)
    weight = v[..., 0].exp()
    numerator, denominator, state = linear_attention(
        phi_q.flatten(2),
        phi_k.flatten(2),
        v.flatten(2),
        weight,
        log_decay,
        heads=HEADS * readers,
        kv_heads=HEADS,
        scale=0.25,
        chunk=4,
    )
    wanted, sums = quadratic(0.25 * phi_q, phi_k, v, log_decay)
    weights, normalizer = quadratic(0.25 * phi_q, phi_k, weight.unsqueeze(-1), log_decay)
    assert_same([numerator, denominator, *state], [wanted.flatten(2), weights.flatten(2), sums, normalizer])


@gates
def test_packed_operator_goes_on_from_its_state(gate: bool) -> None:
    phi_q, phi_k, v, log_decay = inputs(9, gate)
    packed = [phi_q.flatten(2), phi_k.flatten(2), v.flatten(2), v[..., 0].exp(), log_decay]
    wanted = linear_attention(*packed, heads=HEADS, chunk=4)
    *_, past = linear_attention(*part(packed, 0, 5), heads=HEADS, chunk=4)
    found = linear_attention(*part(packed, 5, 9), past, heads=HEADS, chunk=4)
    assert_same([*found[:2], *found[2]], [wanted[0][:, 5:], wanted[1][:, 5:], *wanted[2]])


def test_memory_between_chunks_is_the_state_alone() -> None:
    x = inputs(64, False)
    changed = [tensor if tensor is None else tensor.clone() for tensor in x]
    changed[0][:, :32] = 7.0  # earlier queries must not matter to later tokens
    assert torch.equal(chunked(*x, chunk=8)[0][:, 32:], chunked(*changed, chunk=8)[0][:, 32:])


class Elements(TorchDispatchMode):
    """Counts the elements of everything that torch computes: work, without a clock."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.count += sum(x.numel() for x in tree_leaves(result) if isinstance(x, torch.Tensor))
        return result


@gates
def test_work_of_the_chunked_form_is_linear_backward_too(gate: bool) -> None:
    def work(length: int) -> int:
        phi_q, phi_k, v = (torch.rand(1, length, 2, 8, requires_grad=True) for _ in range(3))
        log_decay = -torch.rand(1, length, 2).requires_grad_() if gate else None
        with Elements() as elements:
            chunked(phi_q, phi_k, v, log_decay, chunk=8)[0].sum().backward()
        return elements.count

    assert work(2048) < 2.05 * work(1024)


def test_gates_that_close_by_and_by_leave_no_numbers_too_small_for_float32() -> None:
    """Below 1e-38 a processor takes many times as long, so what is left of a sum has a floor far above that."""
    rates = torch.linspace(-120.0, 0.0, 121)
    left = decays_within(rates.flip(0).cumsum(0).unsqueeze(0))
    smallest = left[left > 0].min()
    assert smallest > 1e-27


@gates
def test_no_rows_give_no_rows(gate: bool) -> None:
    x = [tensor if tensor is None else tensor[:0] for tensor in inputs(40, gate)]
    output, state = chunked(*x, chunk=8)
    assert output.shape == (0, 40, HEADS, WIDTH)
    assert state.shape == (0, HEADS, 2 * VECTORS, WIDTH)
