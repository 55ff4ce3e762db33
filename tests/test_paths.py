"""A path may be a string wherever a public function takes one."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import rfa_export
import rfa_models
import rfa_runtime
from rfa_models import evaluate, load_checkpoint
from rfa_runtime import Encoder, StepSession, Worker, convert_lines, read_labelled, read_pairs, score_text

RESULTS = {"Bundle", "Conversion", "Exported", "Trained"}
"""Made by us, for reading."""
SHIPPED = str(rfa_runtime.shipped_bundle())
CHECKPOINT = Path(__file__).parents[1] / "models" / "pretrained" / "shakespeare.pt"


def is_error(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Exception)


def parameters_with_paths(package: ModuleType) -> Iterator[tuple[str, str]]:
    """Name and annotation of every parameter of a public name that takes paths."""
    for name in package.__all__:
        found = getattr(package, name)
        if name in RESULTS or not callable(found) or is_error(found):
            continue
        for parameter in inspect.signature(found).parameters.values():
            annotation = str(parameter.annotation)
            if "Path" in annotation:
                yield f"{name}({parameter.name})", annotation


@pytest.mark.parametrize("package", [rfa_export, rfa_models, rfa_runtime])
def test_who_takes_a_path_takes_a_string(package: ModuleType) -> None:
    found = dict(parameters_with_paths(package))
    assert found
    assert [name for name, annotation in found.items() if "str" not in annotation] == []


def test_data_files_by_their_names(tmp_path: Path) -> None:
    file = str(tmp_path / "rows.tsv")
    Path(file).write_text("a\tb\n")
    assert read_pairs(file) == read_pairs([file]) == read_pairs([Path(file)])
    assert read_labelled(file).rows == read_labelled(Path(file)).rows
    assert read_pairs([file, file]).rows[0].source == "a\tb"


def test_line_files_by_their_names(tmp_path: Path) -> None:
    source = str(tmp_path / "in.txt")
    Path(source).write_text("a\nb\n")
    worker = Worker[str, str](check=lambda line: None, work=lambda lines: list(map(str.upper, lines)))
    convert_lines(source, str(tmp_path / "out.txt"), worker, rfa_runtime.read_bundle(SHIPPED), {})
    assert (tmp_path / "out.txt").read_text() == "A\nB\n"


def test_a_bundle_by_its_name(tmp_path: Path) -> None:
    session = StepSession(SHIPPED, threads=1)
    assert session.bundle.path == Path(SHIPPED)
    read = rfa_runtime.read_bundle(SHIPPED)
    assert score_text(SHIPPED, "To be or not", threads=1) == score_text(read, "To be or not", threads=1)
    with pytest.raises(rfa_runtime.RfaRuntimeError, match="does not exist"):
        Encoder(str(tmp_path / "none.rfa"))


def test_one_data_file_may_stand_by_itself(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("To be or not to be")
    checkpoint = load_checkpoint(str(CHECKPOINT))
    assert evaluate(checkpoint, str(text)) == evaluate(checkpoint, text) == evaluate(checkpoint, [text])
