"""A state as a file: what is loaded goes on as what was saved, and a file that anybody changed is refused."""

from __future__ import annotations

import copy
import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from rfa_runtime import Bundle, State, StepSession
from rfa_runtime.errors import StateError, StateFileError, StateVersionError
from rfa_runtime.session import saved

FIRST = np.array([[3, 1, 4], [1, 5, 9]])
NEXT = np.array([[2], [6]])


def read_first(session: StepSession) -> State:
    state = session.new_state(2)
    session.step(FIRST, state)
    return state


def on_disk(session: StepSession, tmp_path: Path) -> State:
    read_first(session).save(tmp_path / "text.state")
    return State.load(tmp_path / "text.state", session.bundle)[0]


def pickled(session: StepSession, tmp_path: Path) -> State:
    found: State = pickle.loads(pickle.dumps(read_first(session)))
    return found


def deeply(session: StepSession, tmp_path: Path) -> State:
    return copy.deepcopy(read_first(session))


@pytest.mark.parametrize("way", [on_disk, pickled, deeply])
def test_what_comes_back_goes_on_exactly(
    session: StepSession, tmp_path: Path, way: Callable[[StepSession, Path], State]
) -> None:
    whole = read_first(session)
    again = way(session, tmp_path)
    assert again.logits is not None
    np.testing.assert_array_equal(again.logits, whole.logits)
    np.testing.assert_array_equal(again.lengths, whole.lengths)
    for _ in range(300):  # beyond the room that a cache begins with
        wanted = session.step(NEXT, whole)
        np.testing.assert_array_equal(session.step(NEXT, again), wanted)


def test_a_state_that_has_read_nothing(session: StepSession, tmp_path: Path) -> None:
    session.new_state(1).save(tmp_path / "text.state")
    state, ids = State.load(tmp_path / "text.state", session.bundle)
    assert (state.logits, ids, state.longest) == (None, None, 0)
    session.step(NEXT[:1], state)


def test_token_ids_are_kept(session: StepSession, tmp_path: Path) -> None:
    state = read_first(session)
    state.save(tmp_path / "text.state", FIRST.tolist())
    assert State.load(tmp_path / "text.state", session.bundle)[1] == ((3, 1, 4), (1, 5, 9))
    with pytest.raises(StateFileError, match=r"\[3, 2\] tokens came, the state has read \[3, 3\]"):
        state.save(tmp_path / "text.state", [[3, 1, 4], [1, 5]])


def test_logits_follow_the_rows(session: StepSession) -> None:
    state = read_first(session)
    assert state.logits is not None
    wanted = state.logits.copy()
    np.testing.assert_array_equal(state.select([1]).logits, wanted[1:])
    np.testing.assert_array_equal(State.stack([state.select([1]), state.copy()]).logits, wanted[[1, 0, 1]])
    state.reorder([1, 0])
    assert state.logits is None
    state.reset()
    assert state.logits is None


@pytest.fixture
def file(toy: Bundle, tmp_path: Path) -> Path:
    state = StepSession(toy, threads=1).new_state()
    StepSession(toy, threads=1).step(FIRST[:1], state)
    state.save(tmp_path / "text.state", FIRST[:1].tolist())
    return tmp_path / "text.state"


def test_any_other_byte_is_refused(file: Path, toy: Bundle) -> None:
    data = file.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.permutation(len(data))[:1000]:
        other = bytearray(data)
        other[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(other)
        with pytest.raises((StateFileError, StateVersionError)):
            State.load(file, toy)


def test_a_part_of_a_file_is_refused(file: Path, toy: Bundle) -> None:
    data = file.read_bytes()
    for size in np.linspace(0, len(data) - 1, 100).astype(int):
        file.write_bytes(data[:size])
        with pytest.raises(StateFileError):
            State.load(file, toy)


def test_another_bundle_is_refused(file: Path, toys: Callable[..., Bundle]) -> None:
    with pytest.raises(StateFileError, match="of another bundle"):
        State.load(file, toys("softmax"))


def written(path: Path, tensors: dict[str, np.ndarray] | None = None, **changes: Any) -> None:
    """A file with a digest of its own, as an attacker makes it."""
    table = {"format_version": 1, "bundle": "", "lengths": [3], "sha256": saved.NO_DIGEST} | changes
    data = save(tensors or {"x": np.zeros(1)}, {saved.ENTRY: json.dumps(table)})
    digest = saved.hashlib.sha256(data).hexdigest()
    path.write_bytes(data.replace(saved.NO_DIGEST.encode(), digest.encode(), 1))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"format_version": 2}, StateVersionError, "format 2, this rfa-runtime reads up to 1"),
        ({"format_version": "1"}, StateFileError, "format_version is '1'"),
        ({"lengths": [-1]}, StateFileError, "how many tokens"),
        ({"lengths": [10**30]}, StateFileError, "how many tokens"),
        ({"lengths": []}, StateFileError, "how many tokens"),
        ({"sha256": 5}, StateFileError, "not those that were written"),
        ({}, StateError, "the bundle declares others"),
    ],
)
def test_odd_tables_are_refused(
    toy: Bundle, tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    written(tmp_path / "text.state", **{"bundle": toy.sha256} | changes)
    with pytest.raises(error, match=message):
        State.load(tmp_path / "text.state", toy)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("logits", np.zeros((1, 5), np.float32), "logits are of 5 tokens"),
        ("logits", np.zeros((1, 0), np.float32), "logits are of 0 tokens"),
        ("logits", np.zeros((1, 5), np.float64), "logits are float64"),
        ("token_ids.0", np.array([1, 2, -5], np.int32), "tokens from -5 to 2"),
        ("token_ids.0", np.array([1, 2, 10**9], np.int32), "tokens from 1 to 1000000000"),
        ("token_ids.0", np.array([1, 2], np.int32), "no tokens for row 0"),
    ],
)
def test_odd_tensors_are_refused(toy: Bundle, tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    state = StepSession(toy, threads=1).new_state()
    tensors = {spec.past: state.read(spec) for spec in state.specs} | {name: array}
    written(tmp_path / "text.state", tensors, bundle=toy.sha256)
    with pytest.raises(StateFileError, match=message):
        State.load(tmp_path / "text.state", toy)


def test_a_link_stays_and_a_pipe_is_left_alone(file: Path, toy: Bundle, tmp_path: Path) -> None:
    state, _ = State.load(file, toy)
    (tmp_path / "link").symlink_to(file)
    state.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert State.load(file, toy)[1] is None
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="a folder, a pipe or a device"):
        state.save(tmp_path / "pipe")


def test_a_full_disk_leaves_the_old_file(file: Path, toy: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    data = file.read_bytes()
    state, _ = State.load(file, toy)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        state.save(file)
    assert file.read_bytes() == data
    assert not list(file.parent.glob(".*.tmp"))
