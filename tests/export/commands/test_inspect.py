"""`rfa-inspect` shows what a bundle holds, and what is no bundle is refused in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from onnx import load_model_from_string
from small_models import Example

from rfa_export.commands.inspect import main
from rfa_export.commands.inspection import inspect_bundle
from rfa_runtime.bundle.bundle import write_bundle
from rfa_runtime.bundle.manifest import SpecialIds


def rfa_inspect(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def test_everything_is_counted(gated: Example) -> None:
    found, manifest = inspect_bundle(gated.bundle), gated.bundle.manifest
    assert (found.task, found.vocab_size, found.producer) == ("language-model", 256, manifest.producer)
    assert found.bytes == {name: entry.bytes for name, entry in manifest.files.items()}
    assert sum(found.weight_bytes.values()) <= found.bytes["model.onnx.data"]
    assert set(found.weight_bytes) == {"FLOAT"}
    assert found.state_bytes == 2 * 2 * 32 * 9 * 4, "two layers of two heads"
    assert found.states["past_key_values.0.recurrent_state"] == "float32 ['batch', 2, 32, 8]"
    assert found.parity == manifest.parity
    step, score = found.graphs
    assert (step.role, step.file, score.role) == ("model", "model.onnx", "score")
    assert step.operators["com.microsoft::LinearAttention"] == 4
    assert step.opsets == {"ai.onnx": 23, "com.microsoft": 1}
    assert step.providers == {"cpu": "runs"}
    assert step.parameters == score.parameters > 256 * 16


def test_a_page_for_people(gated: Example) -> None:
    result = rfa_inspect(gated.bundle.path)
    assert result.exit_code == 0, result.output
    for words in ("model.onnx for ort", "4 LinearAttention", "cpu: runs", "state of one stream: 4,608 bytes"):
        assert words in result.stdout


def test_what_it_says_of_texts_is_shown(gated: Example, tmp_path: Path) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    told = replace(
        gated.bundle.manifest,
        special_ids=SpecialIds(bos=0, eos=2, other_ends=(5, 6)),
        sampling={"temperature": 0.8, "top_k": 40},
        notes=("truncation was turned off",),
    )
    write_bundle(tmp_path / "told.rfa", told, files)
    shown = rfa_inspect(tmp_path / "told.rfa").stdout
    for line in (
        "special tokens: bos 0, eos 2, other_ends (5, 6)",
        "sampling: temperature 0.8, top_k 40",
        "note: truncation was turned off",
    ):
        assert line in shown.splitlines()
    found = json.loads(rfa_inspect(tmp_path / "told.rfa", "--json").stdout)
    assert found["special_ids"] == {"bos": 0, "eos": 2, "other_ends": [5, 6]}
    assert found["sampling"] == {"temperature": 0.8, "top_k": 40}
    assert found["notes"] == ["truncation was turned off"]


def test_what_a_conversion_came_to_is_shown(gated: Example, tmp_path: Path) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    row = {"tokens": 512, "teacher_perplexity": 3.608, "perplexity": 3.79, "ratio": 1.05}
    report = {"teacher": "stories.bin", "tokens": 9, "lengths": [row], "controls": {"no attention": 107.0}}
    write_bundle(tmp_path / "told.rfa", replace(gated.bundle.manifest, conversion=report), files)
    result = rfa_inspect(tmp_path / "told.rfa")
    for words in ("3.608", "1.05", "converted from stories.bin with 9 tokens; controls: no attention: 107.0"):
        assert words in result.stdout
    assert json.loads(rfa_inspect(tmp_path / "told.rfa", "--json").stdout)["conversion"] == report


def test_nothing_said_of_texts_is_shown_as_such(gated: Example) -> None:
    lines = rfa_inspect(gated.bundle.path).stdout.splitlines()
    assert {"special tokens: none", "sampling: the most likely token"} <= set(lines)


def test_json_is_one_object(gated: Example) -> None:
    found = json.loads(rfa_inspect(gated.bundle.path, "--json").stdout)
    assert {"graphs", "bytes", "weight_bytes", "state_bytes", "parity"} <= found.keys()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_behind_the_output_is_one_line(gated: Example) -> None:
    command = [sys.executable, "-m", "rfa_export.commands.inspect", gated.bundle.path]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (found.returncode, found.stderr) == (2, "Error: [Errno 28] No space left on device\n")


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    result = rfa_inspect(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert "no manifest.json" in result.stderr


def test_a_file_that_is_no_graph_is_refused(gated: Example, tmp_path: Path) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    write_bundle(tmp_path / "odd.rfa", gated.bundle.manifest, files | {"model.onnx": b"no graph"})
    result = rfa_inspect(tmp_path / "odd.rfa")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: model.onnx is no ONNX graph")


def test_what_onnx_ir_logs_of_a_damaged_graph_is_not_shown(
    gated: Example, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    model = load_model_from_string(files["model.onnx"])
    del model.graph.initializer[:]  # its nodes now read what is nowhere
    write_bundle(tmp_path / "odd.rfa", gated.bundle.manifest, files | {"model.onnx": model.SerializeToString()})
    result = rfa_inspect(tmp_path / "odd.rfa")
    assert (result.exit_code, result.stderr) == (0, "")
    assert caplog.messages == []


def test_an_operator_whose_name_is_no_text_is_shown_all_the_same(gated: Example, tmp_path: Path) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    odd = files["model.onnx"].replace(b"MatMul", b"Mat\xfful")
    write_bundle(tmp_path / "odd.rfa", gated.bundle.manifest, files | {"model.onnx": odd})
    for option in ((), ("--json",)):
        result = rfa_inspect(tmp_path / "odd.rfa", *option)
        assert result.exit_code == 0
        assert "xfful" in result.stdout


@pytest.mark.parametrize("others", [3, [3], "xyz", [[]]])
def test_other_runtimes_that_are_no_reports_are_left_out(gated: Example, tmp_path: Path, others: object) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    odd = replace(gated.bundle.manifest, parity={"ort": {"runtime": "sundial", "others": others}})
    write_bundle(tmp_path / "odd.rfa", odd, files)
    result = rfa_inspect(tmp_path / "odd.rfa")
    assert result.exit_code == 0
    assert "sundial" in result.stdout


def test_a_report_of_another_shape_is_shown_all_the_same(gated: Example, tmp_path: Path) -> None:
    files = {name: (gated.bundle.path / name).read_bytes() for name in gated.bundle.manifest.files}
    odd = replace(gated.bundle.manifest, parity={"ort": {"runtime": 3}, "moon": "unknown"})
    write_bundle(tmp_path / "odd.rfa", odd, files)
    assert rfa_inspect(tmp_path / "odd.rfa").exit_code == 0
