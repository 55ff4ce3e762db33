"""How many threads a process can use, and what is said of more."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from rfa_runtime import threads
from rfa_runtime.ending import in_one_line, warnings_in_one_line
from rfa_runtime.errors import OptionError
from rfa_runtime.threads import (
    NO_LIMIT,
    ThreadsWarning,
    check_threads,
    granted_processors,
    let_threads_sleep,
    usable_cores,
    usable_processors,
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four cores of two hyper-threads, all for this process, no control groups.  Returns where groups would lie."""
    for number in range(8):
        file = tmp_path / f"cpu{number}" / "topology" / "thread_siblings_list"
        file.parent.mkdir(parents=True)
        file.write_text(f"{number % 4},{number % 4 + 4}\n", encoding="ascii")
    monkeypatch.setattr(threads, "PROCESSORS", tmp_path)
    monkeypatch.setattr(threads, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(threads, "MY_GROUPS", tmp_path / "mine")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def grant(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text(text, encoding="ascii")


def test_two_hyper_threads_are_one_core(machine: Path) -> None:
    assert (usable_processors(), usable_cores()) == (8, 4)


def test_processors_that_are_not_ours_do_not_count(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 6})
    assert (usable_processors(), usable_cores()) == (3, 2)


def test_a_system_that_says_nothing_of_its_cores(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "PROCESSORS", machine / "nowhere")
    assert (usable_processors(), usable_cores()) == (8, 8)


def test_a_container_with_less_time_than_processors(machine: Path) -> None:
    (machine / "mine").write_text("0::/pod/app\n", encoding="utf-8")
    grant(machine / "groups" / "pod" / "app", "max 100000\n")
    assert usable_cores() == 4
    grant(machine / "groups" / "pod", "150000 100000\n")  # what binds the pod binds what is in it
    assert (usable_processors(), usable_cores()) == (2, 2)
    grant(machine / "groups" / "pod" / "app", "20000 100000\n")
    assert usable_cores() == 1


def test_control_groups_of_an_older_system(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("3:memory:/x\n2:cpu,cpuacct:/docker/0123\n", encoding="utf-8")
    top = tmp_path / "cpu,cpuacct"
    top.mkdir()
    (top / "cpu.cfs_period_us").write_text("100000\n", encoding="ascii")
    (top / "cpu.cfs_quota_us").write_text("-1\n", encoding="ascii")
    assert granted_processors(tmp_path, mine) == NO_LIMIT
    (top / "cpu.cfs_quota_us").write_text("300000\n", encoding="ascii")  # seen from within: /docker/0123 is not there
    assert granted_processors(tmp_path, mine) == 3


def test_a_system_without_control_groups(tmp_path: Path) -> None:
    assert granted_processors(tmp_path, tmp_path / "mine") == NO_LIMIT


def test_more_threads_than_processors_are_warned_of(machine: Path) -> None:
    with warnings.catch_warnings(action="error"):
        assert check_threads(8) == 8
        assert type(check_threads(np.int32(2))) is int
    with pytest.warns(ThreadsWarning, match="^threads is 9, and this process may use 8 cores: more threads"):
        assert check_threads(9) == 9


@pytest.mark.parametrize("count", [0, -1, 257, 1000, 2.0, True, "2", None])
def test_numbers_that_cannot_be_meant_are_refused(count: object) -> None:
    with pytest.raises(OptionError, match="wanted a whole number from 1 to 256"):
        check_threads(count)


def test_a_command_warns_in_one_line(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with in_one_line():
        warnings.simplefilter("default")
        check_threads(9)
    assert capsys.readouterr().err == (
        "Warning: threads is 9, and this process may use 8 cores: more threads make it slower\n"
    )


def test_warnings_of_others_are_shown_as_ever() -> None:
    with pytest.warns(UserWarning, match="something else"), warnings_in_one_line():
        warnings.warn("something else", stacklevel=1)


def test_threads_sleep_unless_somebody_has_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
