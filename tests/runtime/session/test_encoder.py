"""Sources of unlike length in one batch, and states that are made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_translator import START, reference_logits, write_toy_translator

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OptionError, SessionError, StateError
from rfa_runtime.session.encoder import Encoder, batches
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

SOURCES = [[5, 6, 7, 8, 9], [10, 11], [200, 3, 200]]
TARGET = [START, 65, 66, 67]
CLOSE = 2e-4


@pytest.fixture
def bundle(tmp_path: Path, kind: str) -> Bundle:
    return write_toy_translator(tmp_path / "toy.rfa", kind)


def read_target(session: StepSession, state: State, rows: int) -> np.ndarray:
    """Logits [rows, VOCAB] after the target, read in two pieces."""
    ids = np.array([TARGET] * rows)
    session.step(ids[:, :3], state)
    return session.step(ids[:, 3:], state).copy()


def wanted(kind: str, sources: list[list[int]]) -> np.ndarray:
    return np.stack([reference_logits(source, TARGET, kind)[-1] for source in sources])


def test_sources_of_unlike_length_give_what_each_gives_alone(bundle: Bundle, kind: str) -> None:
    session, encoder = StepSession(bundle), Encoder(bundle)
    found = read_target(session, session.new_state(3, cross=encoder.encode(SOURCES)), 3)
    np.testing.assert_allclose(found, wanted(kind, SOURCES), atol=CLOSE)
    alone = [read_target(session, session.new_state(1, cross=encoder.encode([source])), 1)[0] for source in SOURCES]
    np.testing.assert_allclose(found, alone, atol=CLOSE)


def test_states_select_copy_and_stack_with_their_sources(bundle: Bundle, kind: str) -> None:
    session, encoder = StepSession(bundle), Encoder(bundle)
    states = [session.new_state(1, cross=encoder.encode([source])) for source in SOURCES]
    together = State.stack(states).select([2, 0]).copy()
    np.testing.assert_allclose(read_target(session, together, 2), wanted(kind, [SOURCES[2], SOURCES[0]]), atol=CLOSE)


def test_reordered_rows_keep_their_source_and_their_memory(bundle: Bundle, kind: str) -> None:
    session, encoder = StepSession(bundle), Encoder(bundle)
    state = session.new_state(3, cross=encoder.encode([SOURCES[0]] * 3))
    session.step(np.array([[START, 65], [START, 66], [START, 67]]), state)
    addresses = [buffer.value.data_ptr() for buffer in state.buffers.values()]
    state.reorder([1, 1, 0])
    found = session.step(np.array([[70], [71], [72]]), state)
    texts = [[START, 66, 70], [START, 66, 71], [START, 65, 72]]
    np.testing.assert_allclose(found, [reference_logits(SOURCES[0], t, kind)[-1] for t in texts], atol=CLOSE)
    assert addresses == [buffer.value.data_ptr() for buffer in state.buffers.values()]


def test_a_steps_memory_of_rfa_does_not_depend_on_the_source(tmp_path: Path) -> None:
    bundle = write_toy_translator(tmp_path / "toy.rfa")
    session, encoder = StepSession(bundle), Encoder(bundle)
    sizes = {session.new_state(cross=encoder.encode([[7] * length])).nbytes for length in (10, 10_000)}
    assert len(sizes) == 1


def test_a_steps_memory_of_softmax_grows_with_the_source(tmp_path: Path) -> None:
    bundle = write_toy_translator(tmp_path / "toy.rfa", "softmax")
    session, encoder = StepSession(bundle), Encoder(bundle)
    short, long = (session.new_state(cross=encoder.encode([[7] * length])).nbytes for length in (10, 1010))
    assert long - short == 1000 * sum(spec.row_bytes(source=1) for spec in session.specs if spec.kind == "cross")


def test_a_reordered_state_grows_and_goes_on_in_the_same_binding(tmp_path: Path) -> None:
    """The cache is moved as far as it is filled."""
    bundle = write_toy_translator(tmp_path / "toy.rfa", "softmax")
    session, encoder = StepSession(bundle), Encoder(bundle)
    state = session.new_state(2, capacity=4, cross=encoder.encode([SOURCES[0]] * 2))
    texts = [[START], [START]]
    for step in range(9):
        found = session.step(np.array([[text[-1]] for text in texts]), state)
        wanted = [reference_logits(SOURCES[0], text, "softmax")[-1] for text in texts]
        np.testing.assert_allclose(found, wanted, atol=CLOSE)
        moves = state.moves
        state.reorder([1, step % 2])
        assert state.moves == moves
        texts = [texts[1] + [10 + step], texts[step % 2] + [40 + step]]
    assert state.capacity == 16


def test_copies_read_the_same_source_without_another_copy_of_it(bundle: Bundle, kind: str) -> None:
    session, encoder = StepSession(bundle), Encoder(bundle)
    state = session.new_state(3, cross=encoder.encode(SOURCES))
    branch = state.copy()
    read_target(session, branch, 3)
    np.testing.assert_allclose(read_target(session, state, 3), wanted(kind, SOURCES), atol=CLOSE)
    for spec in session.specs:
        assert np.shares_memory(state.read(spec), branch.read(spec)) == (spec.kind == "cross")


def test_no_step_changes_what_the_encoder_made(bundle: Bundle) -> None:
    session, cross = StepSession(bundle), Encoder(bundle).encode(SOURCES)
    before = {name: array.copy() for name, array in cross.items()}
    state = session.new_state(3, cross=cross)
    read_target(session, state, 3)
    state.reorder([1, 1, 1])
    read_target(session, state, 3)
    state.reset()
    for name, array in cross.items():
        np.testing.assert_array_equal(array, before[name])


def test_reset_keeps_the_source(bundle: Bundle, kind: str) -> None:
    session, encoder = StepSession(bundle), Encoder(bundle)
    state = session.new_state(1, cross=encoder.encode(SOURCES[:1]))
    read_target(session, state, 1)
    state.reset()
    np.testing.assert_allclose(read_target(session, state, 1), wanted(kind, SOURCES[:1]), atol=CLOSE)


def test_a_state_without_its_source_or_of_another_batch_is_refused(bundle: Bundle) -> None:
    session, encoder = StepSession(bundle), Encoder(bundle)
    with pytest.raises(StateError, match="encode the source first"):
        session.new_state()
    with pytest.raises(StateError, match="wanted"):
        session.new_state(2, cross=encoder.encode(SOURCES))
    with pytest.raises(StateError, match="'other' came, which the model has not"):
        session.new_state(3, cross={**encoder.encode(SOURCES), "other": np.zeros(3)})
    for rows in ([0, 1], [0, 1, 3], [0, 1, -1]):
        with pytest.raises(StateError, match="rows"):
            session.new_state(3, cross=encoder.encode(SOURCES)).reorder(rows)


def test_tensors_of_different_sources_are_refused(tmp_path: Path) -> None:
    bundle = write_toy_translator(tmp_path / "toy.rfa", "softmax")
    short, long = (Encoder(bundle).encode([[7] * length]) for length in (3, 4))
    name = "cross_key_values.0.key"
    for mixed in ({**long, name: short[name]}, {**short, name: long[name]}, {**long, name: long[name][0]}):
        with pytest.raises(StateError, match=r"wanted .* of 4 source tokens"):
            StepSession(bundle).new_state(cross=mixed)


def test_sources_are_read_in_batches_of_like_length_that_fit_memory() -> None:
    def sizes(*lengths: int) -> list[list[int]]:
        return [[len(source) for source in batch] for batch in batches([[1] * length for length in lengths])]

    assert sizes(20, 10, 5) == [[20, 10, 5]]
    assert sizes(2000, 1900, 10, 9) == [[2000, 1900], [10, 9]]
    assert sizes(4096, 4096, 4096) == [[4096]] * 3
    assert sizes(2048, 2048, 2048, 2048, 2048) == [[2048] * 4, [2048]]


def test_an_encoder_that_differs_from_the_manifest_is_refused(tmp_path: Path) -> None:
    bundle = write_toy_translator(tmp_path / "toy.rfa")
    graph = replace(bundle.manifest.graphs["encoder"], inputs=("input_ids", "attention_mask"))
    changed = replace(bundle, manifest=replace(bundle.manifest, graphs={**bundle.manifest.graphs, "encoder": graph}))
    with pytest.raises(SessionError, match=r"disagree on the inputs \['position_ids'\]: export the bundle again"):
        Encoder(changed)


@pytest.mark.parametrize("sources", [[], [[]], [[1], []], [[257]], [[-1]]])
def test_sources_without_tokens_or_outside_the_vocabulary_are_refused(bundle: Bundle, sources: list[list[int]]) -> None:
    with pytest.raises(StateError):
        Encoder(bundle).encode(sources)


def test_threads_are_checked(bundle: Bundle) -> None:
    with pytest.raises(OptionError):
        Encoder(bundle, threads=0)
