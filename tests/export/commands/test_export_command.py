"""`rfa-export`: one line and exit code 2 for every mistake, and never half a bundle."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from rich.status import Status

from rfa_export.commands import export as cli
from rfa_export.errors import ParityError
from rfa_export.exams.language import LanguageExam
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.process_lock import writing

PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OMP_NUM_THREADS": "1"}


WRITTEN = (
    *("model.onnx.data", "model.onnx", "model.score.onnx"),
    *("tokenizer.json", "tokenizer_config.json", "manifest.json"),
)
"""The files of a bundle, one after the other."""


def rfa_export(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_refused(result: Result, *words: str) -> None:
    """One line that says why, exit code 2, nothing on standard output and no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert all(word in result.stderr for word in words), result.stderr


class Harmful:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("harm",)


def truncate(share: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (Path.unlink, "No such file"),
    "empty": (truncate(0), "truncated or no checkpoint at all"),
    "first half": (truncate(0.5), "truncated or no checkpoint at all"),
    "almost whole": (truncate(0.999), "get it again"),
    "pickle with code": (lambda path: path.write_bytes(pickle.dumps(Harmful())), "no checkpoint"),
    "checkpoint with code": (
        lambda path: torch.save({"format": "rfa-checkpoint", "model": Harmful()}, path),
        "holds more than tensors and plain values",
    ),
    "foreign": (lambda path: torch.save({"weight": torch.zeros(2)}, path), "not a file that rfa-train wrote"),
    "a tensor": (lambda path: torch.save(torch.zeros(2), path), "not a file that rfa-train wrote"),
    "text": (lambda path: path.write_text("hello"), "model.pt"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "directory"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_file_that_is_no_checkpoint_is_refused(folder: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(folder / "model.pt")
    before = names(folder)
    assert_refused(rfa_export("model.pt"), "model.pt", words)
    assert names(folder) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "abacus"], "target 'abacus' came, wanted one or more of ort, "),
        (["--precision", "fp3"], "Invalid value for '--precision': 'fp3' is not"),
        (["--presicion", "fp32"], "No such option"),
        ([], "Missing argument 'CHECKPOINT'"),
    ],
)
def test_an_option_that_nobody_knows_is_refused(folder: Path, arguments: list[str], words: str) -> None:
    result = rfa_export(*(["model.pt"] if arguments else []), *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr.splitlines()[-1]
    assert names(folder) == ["model.pt"]


def test_an_output_in_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    assert_refused(rfa_export("model.pt", "-o", "absent/model.rfa"), "absent is not a folder: make it first")
    assert names(folder) == ["model.pt"]


def test_an_output_that_another_process_writes_is_refused(folder: Path) -> None:
    with writing(folder / "model.rfa"):
        assert_refused(rfa_export("model.pt"), "model.rfa is being written by process ", ": wait for it")
    assert names(folder) == ["model.pt"]


def test_an_output_below_a_file_is_refused(folder: Path) -> None:
    assert_refused(rfa_export("model.pt", "-o", "model.pt/model.rfa"), "model.pt is not a folder")


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_what_is_no_bundle_is_never_overwritten(folder: Path, flags: list[str]) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "one.jpg").write_bytes(b"precious")
    assert_refused(rfa_export("model.pt", "-o", "photos", *flags), "photos exists")
    assert_refused(rfa_export("model.pt", "-o", "model.pt", *flags), "model.pt exists")
    assert (folder / "photos" / "one.jpg").read_bytes() == b"precious"
    assert names(folder) == ["model.pt", "photos"]


def test_help_has_an_example() -> None:
    result = rfa_export("--help")
    assert result.exit_code == 0
    assert "Example:  rfa-export model.pt -o model.rfa" in result.stdout


def test_json_is_one_object_with_the_promised_names_and_nothing_else(folder: Path) -> None:
    result = rfa_export("model.pt", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == {"bundle", "targets", "precision", "parity", "bytes"}
    assert (found["bundle"], found["targets"], found["precision"]) == ("model.rfa", ["ort"], "fp32")
    assert found["parity"]["ort"].keys() >= {"runtime", "tokens_compared", "tokens_equal", "max_abs_error"}
    assert found["parity"]["ort"] == read_bundle(folder / "model.rfa").manifest.parity["ort"]
    assert found["bytes"] == sum(path.stat().st_size for path in (folder / "model.rfa").iterdir())
    assert result.stderr == ""
    assert names(folder) == ["model.pt", "model.rfa"]


def test_a_bundle_is_replaced_only_with_overwrite(folder: Path) -> None:
    result = rfa_export("model.pt", "-o", "other.rfa")
    assert result.exit_code == 0, result.output
    assert "parity with torch in float64" in result.stdout
    before = (folder / "other.rfa").stat().st_ino
    assert_refused(rfa_export("model.pt", "-o", "other.rfa"), "other.rfa exists")
    assert (folder / "other.rfa").stat().st_ino == before
    assert rfa_export("model.pt", "-o", "other.rfa", "--overwrite").exit_code == 0
    assert (folder / "other.rfa").stat().st_ino != before
    assert names(folder) == ["model.pt", "other.rfa"]


def test_a_bundle_that_fails_the_comparison_is_one_line_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ParityError("the step graph differs from torch: nothing was written")

    monkeypatch.setattr(LanguageExam, "verify", refuse)
    assert_refused(rfa_export("model.pt"), "differs from torch")
    assert names(folder) == ["model.pt"]


@pytest.mark.parametrize("stage", ["trace", "rewrite", "save", "verify"])
def test_ctrl_c_leaves_nothing(folder: Path, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def show(_: Status, begun: str) -> None:
        if begun == stage:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Status, "update", show)
    result = rfa_export("model.pt")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "stopped: nothing was written\n")
    assert names(folder) == ["model.pt"]


def test_ctrl_c_while_torch_traces_leaves_nothing(folder: Path) -> None:
    command = [sys.executable, "-m", "rfa_export.commands.export", "model.pt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLACES) as process:
        while names(folder) == ["model.pt"] and process.poll() is None:
            time.sleep(0.02)
        assert names(folder) != ["model.pt"], "the staging folder is there: tracing has begun"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        found = process.communicate()
    assert (process.returncode, *found) == (130, "", "stopped: nothing was written\n")
    assert names(folder) == ["model.pt"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_at_any_file_is_one_line_and_leaves_what_was_there(folder: Path, disk: Path) -> None:
    output = disk / "model.rfa"
    assert rfa_export("model.pt", "-o", str(output)).exit_code == 0
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    page, room = os.statvfs(disk).f_frsize, 0
    for name in WRITTEN:
        pages = -(-len(before[name]) // page)
        status = os.statvfs(disk)
        (disk / "ballast").write_bytes(bytes((status.f_bavail - room - pages // 2) * page))
        assert_refused(rfa_export("model.pt", "-o", str(output), "--overwrite"), "No space left on device")
        assert names(disk) == ["ballast", "model.rfa"]
        assert {path.name: path.read_bytes() for path in output.iterdir()} == before
        (disk / "ballast").unlink()
        room += pages


def test_a_disk_that_cannot_be_written_is_one_line(folder: Path, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert_refused(rfa_export("model.pt", "-o", str(disk / "model.rfa")), "Read-only file system")


EXPORTS = """
import os, signal, sys, torch
from pathlib import Path
from rfa_export import pipeline
from rfa_models.checkpoints.checkpoint import load_checkpoint
torch.set_num_threads(1)
checkpoint = load_checkpoint(Path("model.pt"))
task = pipeline.task_of(checkpoint)
graphs = task.trace()
type(task).trace = lambda _: graphs
for line in sys.stdin:
    stage, delay = line.split()
    if os.fork() == 0:
        kill = lambda begun: begun == stage and signal.setitimer(signal.ITIMER_REAL, float(delay))
        pipeline.export_task(task, Path("model.rfa"), checkpoint.tokenizer, True, kill)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
"""Exports for every line that it reads, each time in a process of its own, killed some seconds after a stage began.

The alarm, which nobody handles, ends a process as abruptly as SIGKILL, and at that very moment.
"""
Killer = Callable[[str, float], int]


@pytest.fixture
def export_and_kill(folder: Path) -> Iterator[Killer]:
    """Start an export and kill it some seconds after a stage has begun.  Returns the exit code."""
    command = [sys.executable, "-c", EXPORTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=PLACES) as process:

        def run(stage: str, delay: float) -> int:
            process.stdin.write(f"{stage} {delay}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run
        process.stdin.close()


def test_an_export_killed_at_any_moment_leaves_nothing_half_done_and_the_next_one_tidies_up(
    folder: Path, export_and_kill: Killer
) -> None:
    for stage, delay in (("rewrite", 0.1), ("save", 0.01), ("verify", 1e-6)):
        assert export_and_kill(stage, delay) == -signal.SIGALRM
        assert any(name.startswith(".model.rfa.") for name in names(folder)), "it was killed while it wrote"
        assert not (folder / "model.rfa").exists()
    assert export_and_kill("never", 0.0) == 0
    assert names(folder) == ["model.pt", "model.rfa"]
    first = read_bundle(folder / "model.rfa")
    for stage, delay in (("save", 0.03), ("verify", 0.05)):
        assert export_and_kill(stage, delay) == -signal.SIGALRM
        assert read_bundle(folder / "model.rfa") == first
    assert export_and_kill("never", 0.0) == 0
    assert names(folder) == ["model.pt", "model.rfa"]
