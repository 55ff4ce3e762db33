"""Target `triton`: a configuration that the server's own schema accepts, and that says what the manifest says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from google.protobuf import text_format
from pages import ROOT

from rfa_export.commands.export import main
from rfa_export.targets.triton import configuration
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import MODEL

schema = pytest.importorskip("tritonclient.grpc.model_config_pb2", reason="tritonclient has the server's schema")

STORIES = ROOT / "models" / "pretrained" / "stories.pt"
TYPES = {"float32": schema.TYPE_FP32, "float16": schema.TYPE_FP16}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The storyteller for the server."""
    folder = tmp_path_factory.mktemp("triton") / "stories.rfa"
    arguments = [str(STORIES), "-o", str(folder), "--target", "triton", "--verify", "ours", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["targets"] == ["ort", "triton"]
    return read_bundle(folder)


def test_the_configuration_lies_in_the_bundle(bundle: Bundle) -> None:
    assert (bundle.path / "config.pbtxt").read_text() == configuration(bundle.manifest)


@pytest.mark.parametrize("dtype", TYPES)
def test_every_tensor_of_the_manifest_is_one_of_the_configuration(bundle: Bundle, dtype: str) -> None:
    manifest = replace(bundle.manifest, state=tuple(replace(one, dtype=dtype) for one in bundle.manifest.state))
    config = text_format.Parse(configuration(manifest), schema.ModelConfig())
    graph = manifest.graphs[MODEL]
    assert config.backend == "onnxruntime"
    assert config.default_model_filename == graph.file
    assert [item.name for item in config.input] == list(graph.inputs)
    assert {(item.data_type, *item.dims) for item in config.input} == {(schema.TYPE_INT64, -1)}
    assert [item.name for item in config.output] == list(graph.outputs)
    assert list(config.output[0].dims) == [1, manifest.vocab_size]
    states = config.sequence_batching.state
    assert len(states) == len(manifest.state)
    for found, wanted in zip(states, manifest.state, strict=True):
        assert (found.input_name, found.output_name) == (wanted.past, wanted.present)
        assert found.data_type == TYPES[wanted.dtype]
        assert wanted.shape == ("batch", *found.dims)
        (zeros,) = found.initial_state
        assert zeros.zero_data
        assert (zeros.data_type, list(zeros.dims)) == (found.data_type, list(found.dims))
