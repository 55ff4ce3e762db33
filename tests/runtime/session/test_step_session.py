"""StepSession and State against the toy model computed whole, in float64."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from toy_bundles import INPUTS, toy_manifest
from toy_graphs import VOCAB, reference_logits

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import LogitsError, OptionError, SessionError, StateError
from rfa_runtime.session.ort import onnxruntime
from rfa_runtime.session.state import FIRST_CAPACITY, State
from rfa_runtime.session.step import StepSession

CLOSE = 2e-5
"""Of logits up to about 30, by float32 sums of a few dozen terms."""
IDS = np.random.default_rng(1).integers(0, 256, (3, 24))


def read(session: StepSession, ids: np.ndarray, state: State, pieces: list[int]) -> np.ndarray:
    """Logits after each piece.  Returns [B, pieces, N]."""
    assert sum(pieces) == ids.shape[1]
    ends = np.cumsum(pieces)
    return np.stack(
        [session.step(ids[:, end - n : end], state).copy() for n, end in zip(pieces, ends, strict=True)], axis=1
    )


@pytest.mark.parametrize("pieces", [[24], [1] * 24, [7, 1, 1, 10, 5], [23, 1], [1, 23]], ids=str)
def test_however_a_sequence_is_cut_its_logits_are_the_same(session: StepSession, kind: str, pieces: list[int]) -> None:
    wanted = reference_logits(IDS, kind)[:, np.cumsum(pieces) - 1]
    found = read(session, IDS, session.new_state(batch=3), pieces)
    np.testing.assert_allclose(found, wanted, atol=CLOSE * np.abs(wanted).max())


def test_the_scoring_graph_gives_all_positions(toys: Callable[..., Bundle], kind: str) -> None:
    scoring = StepSession(toys(kind), graph="score")
    state = scoring.new_state(batch=3)
    found = np.concatenate([scoring.step(IDS[:, :9], state).copy(), scoring.step(IDS[:, 9:], state)], axis=1)
    wanted = reference_logits(IDS, kind)
    np.testing.assert_allclose(found, wanted, atol=CLOSE * np.abs(wanted).max())


def test_rows_of_a_batch_do_not_touch_each_other(session: StepSession) -> None:
    together = read(session, IDS, session.new_state(batch=3), [20, 1, 1, 1, 1])
    for row in range(3):
        alone = read(session, IDS[row : row + 1], session.new_state(), [20, 1, 1, 1, 1])
        np.testing.assert_allclose(together[row], alone[0], atol=1e-4)


def test_past_and_present_stay_in_one_place(session: StepSession) -> None:
    state = session.new_state(batch=3)
    addresses = {name: buffer.value.data_ptr() for name, buffer in state.buffers.items()}
    assert addresses == {name: buffer.read().ctypes.data for name, buffer in state.buffers.items()}
    before = {name: buffer.read().copy() for name, buffer in state.buffers.items()}
    read(session, IDS, state, [20, 1, 1, 1, 1])
    assert addresses == {name: buffer.value.data_ptr() for name, buffer in state.buffers.items()}
    assert all(np.any(buffer.read() != before[name]) for name, buffer in state.buffers.items())
    assert state.lengths.tolist() == [24, 24, 24]


def test_steps_of_one_token_bind_once(session: StepSession) -> None:
    state = session.new_state(batch=3)
    first = session.step(IDS[:, :1], state)
    assert session.step(IDS[:, 1:2], state) is first, "the logits are a view that the next step overwrites"


def test_what_is_prepared_for_a_state_goes_with_it(session: StepSession) -> None:
    state = session.new_state(batch=3)
    prepared = weakref.ref(session.step(IDS[:, :1], state).base)
    assert prepared() is not None
    del state
    gc.collect()
    assert prepared() is None


def test_two_sessions_may_advance_one_state(session: StepSession, toys: Callable[..., Bundle], kind: str) -> None:
    other = StepSession(toys(kind), threads=1)
    state = session.new_state(batch=3)
    wanted = session.new_state(batch=3)
    for count in range(4):
        session.step(IDS[:, count : count + 1], wanted)
        (other if count % 2 else session).step(IDS[:, count : count + 1], state)
    for spec in state.specs:
        np.testing.assert_array_equal(state.read(spec), wanted.read(spec))


def test_a_token_alone_is_a_step_of_one_token(session: StepSession) -> None:
    one, other = session.new_state(), session.new_state()
    for count, token in enumerate(IDS[0].tolist()):
        found = session.step_token(token, one).copy()
        np.testing.assert_array_equal(found, session.step(np.array([[token]]), other))
        assert one.lengths.tolist() == [count + 1]
    session.step(IDS[:1, :5], one)
    session.step(IDS[:1, :5], other)
    np.testing.assert_array_equal(session.step_token(7, one), session.step(np.array([[7]]), other))


def test_a_token_alone_must_be_in_the_vocabulary_and_for_one_row(session: StepSession) -> None:
    for token in (-1, session.vocab_size):
        with pytest.raises(StateError, match=f"token {token} came"):
            session.step_token(token, session.new_state())
    with pytest.raises(StateError, match="2 rows, wanted one"):
        session.step_token(1, session.new_state(batch=2))


def test_steps_of_one_token_are_those_of_the_session(session: StepSession) -> None:
    state = session.new_state()
    session.step(IDS[:1, :7], state)
    wanted = state.copy()
    steps = session.on(state)
    for token in IDS[0, 7:].tolist():
        np.testing.assert_array_equal(steps.step(token), session.step(np.array([[token]]), wanted))
        assert steps.most_likely() == session.most_likely(wanted)
    assert state.lengths.tolist() == wanted.lengths.tolist()


def test_the_most_likely_token_is_that_of_the_last_logits(session: StepSession) -> None:
    state = session.new_state()
    for piece in (IDS[:1, :7], IDS[:1, 7:8], IDS[:1, 8:12]):
        assert session.step(piece, state).argmax() == session.most_likely(state)
    for token in IDS[0, 12:].tolist():
        assert session.step_token(token, state).argmax() == session.most_likely(state)


def test_no_token_is_the_most_likely_before_a_step_or_of_many_rows(session: StepSession) -> None:
    with pytest.raises(StateError, match="a step before"):
        session.most_likely(session.new_state())
    state = session.new_state(batch=3)
    session.step(IDS, state)
    with pytest.raises(StateError, match="3 rows, wanted one"):
        session.most_likely(state)


def test_a_damaged_state_gives_no_token(session: StepSession) -> None:
    state = session.new_state()
    session.step(IDS[:1], state)
    for buffer in state.buffers.values():
        buffer.write(np.full(buffer.shape, np.nan, buffer.dtype))
    session.step_token(1, state)
    with pytest.raises(LogitsError, match="damaged"):
        session.most_likely(state)


def test_a_state_of_another_bundle_is_refused_for_a_token_alone(toys: Callable[..., Bundle]) -> None:
    with pytest.raises(StateError, match="made by another bundle"):
        StepSession(toys("rfa")).step_token(1, StepSession(toys("softmax")).new_state())


def test_a_copy_goes_its_own_way(session: StepSession, kind: str) -> None:
    state = session.new_state(batch=3)
    read(session, IDS[:, :10], state, [10])
    branch = state.copy()
    read(session, IDS[:, :5], branch, [5])
    found = session.step(IDS[:, 10:11], state)
    np.testing.assert_allclose(found, reference_logits(IDS, kind)[:, 10], atol=1e-3)
    assert branch.lengths.tolist() == [15] * 3
    assert state.lengths.tolist() == [11] * 3


def test_select_takes_reorders_and_repeats_rows(session: StepSession, kind: str) -> None:
    state = session.new_state(batch=3)
    read(session, IDS[:, :10], state, [10])
    chosen = state.select([2, 0, 2, 2])
    found = session.step(IDS[[2, 0, 2, 2], 10:11], chosen)
    np.testing.assert_allclose(found, reference_logits(IDS, kind)[[2, 0, 2, 2], 10], atol=1e-3)


def test_rows_of_different_length_step_together_after_stacking(session: StepSession, kind: str) -> None:
    lengths = [3, 17, 9]
    states = [session.new_state(capacity=32 * (row + 1)) for row in range(3)]
    for row, length in enumerate(lengths):
        session.step(IDS[row : row + 1, :length], states[row])
    together = State.stack(states)
    following = np.array([[IDS[row, length]] for row, length in enumerate(lengths)])
    found = session.step(following, together)
    wanted = reference_logits(IDS, kind)[range(3), lengths]
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert together.lengths.tolist() == [4, 18, 10]


def test_a_cache_grows_by_doubling_and_keeps_its_contents(toys: Callable[..., Bundle]) -> None:
    session = StepSession(toys("softmax"))
    state = session.new_state(batch=3, capacity=4)
    found = read(session, IDS, state, [3, *[1] * 21])
    np.testing.assert_allclose(found, reference_logits(IDS, "softmax")[:, 2:], atol=1e-3)
    assert state.capacity == 32
    assert session.new_state().capacity == FIRST_CAPACITY


def test_a_recurrent_state_never_grows(toys: Callable[..., Bundle]) -> None:
    session = StepSession(toys("rfa"))
    state = session.new_state()
    size = state.nbytes
    for _ in range(3):
        session.step(np.zeros((1, 500), np.int64), state)
    assert state.nbytes == size == 2 * 8 * 8 * 4
    assert state.capacity == 0


def test_reset_is_as_good_as_new(session: StepSession, kind: str) -> None:
    state = session.new_state(batch=3)
    read(session, IDS, state, [24])
    state.reset()
    found = read(session, IDS, state, [10, 14])
    np.testing.assert_allclose(found, reference_logits(IDS, kind)[:, [9, 23]], atol=1e-3)


def test_one_session_serves_threads_with_states_of_their_own(session: StepSession, kind: str) -> None:
    wanted = reference_logits(IDS, kind)
    found: dict[int, np.ndarray] = {}

    def work(row: int) -> None:
        for _ in range(5):
            found[row] = read(session, IDS[row : row + 1], session.new_state(), [4, *[1] * 20])

    threads = [threading.Thread(target=work, args=(row,)) for row in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for row in range(3):
        np.testing.assert_allclose(found[row][0], wanted[row, 3:], atol=1e-3)


def test_a_state_may_move_between_sessions_of_one_bundle(session: StepSession, kind: str) -> None:
    other = StepSession(session.bundle, threads=1)
    state = session.new_state(batch=3)
    session.step(IDS[:, :10], state)
    other.step(IDS[:, 10:11], state)
    found = session.step(IDS[:, 11:12], state)
    np.testing.assert_allclose(found, reference_logits(IDS, kind)[:, 11], atol=1e-3)


def test_a_session_keeps_no_state_alive(session: StepSession) -> None:
    state = session.new_state()
    session.step(IDS[:1], state)
    gone = weakref.ref(state)
    del state
    gc.collect()
    assert gone() is None


def test_a_state_of_another_bundle_is_refused_by_name(toys: Callable[..., Bundle]) -> None:
    state = StepSession(toys("softmax")).new_state()
    with pytest.raises(StateError, match=r"state 'past\.0\.key' has shape .*made by another bundle\?"):
        StepSession(toys("rfa")).step(IDS[:1], state)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (IDS[:2], r"wanted \(3, T\)"),
        (IDS[0], r"wanted \(3, T\)"),
        (IDS[:, :0], r"wanted \(3, T\)"),
        (IDS - 300, "from -"),
        (IDS * 0 + VOCAB, "wanted int64 from 0 to 256"),
        (IDS.astype(np.int32), "int32"),
        (IDS.astype(np.float32), "float32"),
    ],
)
def test_ids_that_the_graph_would_misread_are_refused(session: StepSession, ids: np.ndarray, words: str) -> None:
    state = session.new_state(batch=3)
    with pytest.raises(StateError, match=words):
        session.step(ids, state)
    assert state.lengths.tolist() == [0, 0, 0]


def test_rows_that_are_not_there_are_refused(session: StepSession) -> None:
    for rows in ([], [3], [-1]):
        with pytest.raises(StateError, match="rows 0 to 2"):
            session.new_state(batch=3).select(rows)
    with pytest.raises(StateError, match="at least one"):
        State.stack([])
    with pytest.raises(StateError, match="above zero"):
        session.new_state(batch=0)


@pytest.mark.parametrize("number", [2**44, 2**63, 2**64])
def test_sizes_beyond_all_memory_are_refused(session: StepSession, number: int) -> None:
    with pytest.raises(StateError, match="no memory for state"):
        session.new_state(batch=number)
    state = session.new_state()
    with pytest.raises(StateError, match=r"rows \[.*\] (were asked for|came)"):
        state.select([number])
    with pytest.raises(StateError, match=r"rows \[.*\] came"):
        state.reorder([number])
    if session.has_cache:
        with pytest.raises(StateError, match="no memory for state"):
            state.reserve(number)


def test_threads_and_providers_are_checked(toy: Bundle) -> None:
    with pytest.raises(OptionError, match="threads is 0, wanted a whole number from 1 to 256"):
        StepSession(toy, threads=0)
    with pytest.raises(OptionError, match="cpu or cuda"):
        StepSession(toy, provider="tpu")


def test_a_graph_that_differs_from_the_manifest_is_refused(toys: Callable[..., Bundle]) -> None:
    graphs = toy_manifest().graphs
    wrong = {role: type(spec)(spec.file, spec.target, INPUTS["rfa"][:1], spec.logits) for role, spec in graphs.items()}
    with pytest.raises(SessionError, match=r"disagree on the inputs .*position_ids"):
        StepSession(toys(graphs=wrong))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [(("top_token",), "this runtime needs 'logits'"), (("logits", "odd"), "has the outputs.*odd")],
)
def test_outputs_that_the_runtime_cannot_use_are_refused(
    toys: Callable[..., Bundle], outputs: tuple[str, ...], message: str
) -> None:
    graphs = {role: replace(spec, outputs=outputs) for role, spec in toy_manifest().graphs.items()}
    with pytest.raises(SessionError, match=message):
        StepSession(toys(graphs=graphs))


needs_cuda = pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(), reason="this ONNX Runtime has no CUDA"
)


@pytest.mark.gpu
@needs_cuda
def test_cuda_gives_what_the_cpu_gives(toys: Callable[..., Bundle], kind: str) -> None:
    session = StepSession(toys(kind), provider="cuda")
    state = session.new_state(batch=3)
    found = read(session, IDS, state, [10, *[1] * 14])
    np.testing.assert_allclose(found, reference_logits(IDS, kind)[:, 9:], atol=1e-2)
    branch = state.select([1])
    assert branch.lengths.tolist() == [24]
