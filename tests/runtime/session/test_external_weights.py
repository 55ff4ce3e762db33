"""Weights outside the bundle are refused, however a graph names them, but for links to the right files.

ONNX Runtime refuses by itself; these tests hold it to it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, load_model_from_string
from toy_bundles import toy_files, toy_manifest
from toy_graphs import reference_logits

from rfa_runtime.bundle.bundle import read_bundle, write_bundle
from rfa_runtime.errors import BundleIntegrityError, SessionError
from rfa_runtime.session.step import StepSession

DATA = "weights.data"


def graph_with_weights_at(location: str) -> tuple[bytes, bytes]:
    """The toy graph with its embedding in another file, and the contents of that file."""
    model = load_model_from_string(toy_files()["model.onnx"])
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "embed")
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(data)))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model.SerializeToString(), data


def bundle_with(folder: Path, location: str, inside: bool) -> Path:
    graph, data = graph_with_weights_at(location)
    (folder / DATA).write_bytes(data)
    files = toy_files() | {"model.onnx": graph} | ({DATA: data} if inside else {})
    write_bundle(folder / "toy.rfa", toy_manifest(), files)
    return folder / "toy.rfa"


def test_weights_in_a_file_of_the_bundle_are_used(tmp_path: Path) -> None:
    session = StepSession(read_bundle(bundle_with(tmp_path, DATA, inside=True)))
    ids = np.array([[1, 2, 3]])
    np.testing.assert_allclose(session.step(ids, session.new_state()), reference_logits(ids)[:, -1], atol=1e-3)


@pytest.mark.parametrize(
    "location", [f"../{DATA}", "{folder}/" + DATA, f"x/../../{DATA}", "../../../../etc/passwd", DATA]
)
def test_weights_elsewhere_are_refused_in_one_line(tmp_path: Path, location: str) -> None:
    path = bundle_with(tmp_path, location.format(folder=tmp_path), inside=False)
    with pytest.raises(SessionError, match=r"cannot load model\.onnx") as caught:
        StepSession(read_bundle(path))
    assert "\n" not in str(caught.value)


def test_weights_behind_a_link_are_those_of_the_manifest(tmp_path: Path) -> None:
    path = bundle_with(tmp_path, DATA, inside=True)
    (path / DATA).unlink()
    (path / DATA).symlink_to(tmp_path / DATA)
    session = StepSession(read_bundle(path))
    ids = np.array([[1, 2, 3]])
    np.testing.assert_allclose(session.step(ids, session.new_state()), reference_logits(ids)[:, -1], atol=1e-3)
    (tmp_path / DATA).write_bytes(bytes((tmp_path / DATA).stat().st_size))
    with pytest.raises(BundleIntegrityError, match="has changed"):
        read_bundle(path)


def test_weights_behind_a_link_that_the_manifest_does_not_name_are_refused(tmp_path: Path) -> None:
    path = bundle_with(tmp_path, DATA, inside=False)
    (path / DATA).symlink_to(tmp_path / DATA)
    with pytest.raises(SessionError, match=r"cannot load model\.onnx"):
        StepSession(read_bundle(path))


def test_weights_that_are_too_short_are_refused(tmp_path: Path) -> None:
    path = bundle_with(tmp_path, DATA, inside=True)
    bundle = read_bundle(path)
    (path / DATA).write_bytes(b"short")
    with pytest.raises(BundleIntegrityError):
        read_bundle(path)
    with pytest.raises(SessionError):
        StepSession(bundle)


@pytest.mark.parametrize("data", [b"", b"not a graph", b"\x08\x0a" * 50])
def test_a_graph_that_is_none_is_refused_in_one_line(
    tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "toy.rfa", toy_manifest(), toy_files() | {"model.onnx": data})
    with pytest.raises(SessionError, match=r"cannot load model\.onnx") as caught:
        StepSession(read_bundle(tmp_path / "toy.rfa"))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().out == ""
