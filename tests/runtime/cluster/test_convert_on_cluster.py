"""A file answered by the workers of a Dask cluster: what one process writes, whoever is lost."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rfa_runtime.bundle.bundle import Bundle, read_bundle, shipped_bundle
from rfa_runtime.errors import BundleError, BundleExistsError, OptionError
from rfa_runtime.line_files.convert import LineReport, convert_lines
from rfa_runtime.tasks.lines import ContinueLines
from rfa_runtime.wording import OVERWRITE

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

from rfa_runtime.cluster import convert  # noqa: E402  needs Dask

JOB = ContinueLines({"max_new_tokens": 32, "temperature": 1.0, "seed": 3})
WORDS = ("Once upon a time", "Tom had a dog", "", "The sun was warm")
LINES = 400


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "in.txt"
    file.write_text("".join(f"{WORDS[number % len(WORDS)]}\n" for number in range(LINES)))
    return file


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(shipped_bundle())


def test_the_answers_are_those_of_one_process_though_a_worker_is_killed(
    tmp_path: Path, source: Path, bundle: Bundle, client: Any
) -> None:
    alone = tmp_path / "alone.txt"
    convert_lines(source, alone, JOB.worker(bundle, 1), bundle, JOB.settings(), batch=4)
    found = tmp_path / "found.txt"
    victim = next(iter(client.run(os.getpid).values()))
    killing = threading.Timer(1.0, os.kill, (victim, signal.SIGKILL))
    killing.start()
    report = convert.convert_on_cluster(client, source, found, JOB, bundle, batch=4)
    killing.join()
    assert report == LineReport(LINES, 0)
    assert found.read_bytes() == alone.read_bytes()
    assert victim not in client.run(os.getpid).values()


def test_a_worker_with_another_bundle_in_the_folder_refuses(tmp_path: Path, bundle: Bundle, client: Any) -> None:
    folder = tmp_path / "copy.rfa"
    shutil.copytree(bundle.path, folder)
    sums = convert.sha256(folder / "manifest.json")
    errand = convert.Errand(str(folder), sums[::-1], JOB, 1, "cpu")
    with pytest.raises(BundleError, match="holds another bundle on this machine"):
        list(convert.answer_in_order(client, errand, [[]]))


def test_errors_come_back_from_workers_as_they_were(client: Any) -> None:
    def fail() -> None:
        raise BundleExistsError("x exists: or ", OVERWRITE)

    with pytest.raises(BundleExistsError, match="x exists: or overwrite=True") as caught:
        client.submit(fail, pure=False).result()
    assert caught.value.parts == ("x exists: or ", OVERWRITE)


def test_an_address_where_nobody_answers(
    tmp_path: Path, source: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "CONNECT_SECONDS", 0.3)
    with pytest.raises(OptionError, match="where no scheduler answers"):
        convert.convert_on_cluster("tcp://127.0.0.1:9", source, tmp_path / "out.txt", JOB, bundle)
