"""One export for every runtime: each gives what torch gives, from one file of weights, without code of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from small_models import (
    Example,
    assert_near,
    classifier,
    language_model,
    random_ids,
    torch_logits,
)
from small_translators import every_setting, softmax_twin

from rfa_export import pipeline
from rfa_export.errors import ExportError, ParityError
from rfa_export.exams.parity import NotChecked, Parity
from rfa_export.pipeline import Exported
from rfa_export.runtimes.genai import GenAi
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.targets.catalogue import WITH_GRAPHS
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_export.tasks.translation import TranslatorExport
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.errors import BundleError
from rfa_runtime.session.step import StepSession
from rfa_runtime.tasks.language import Decoder

ALL = WITH_GRAPHS
GRAPHS = tuple(name for name in ALL if name != "genai")
"""What every task has."""
LABELS = ("no", "perhaps", "yes")
OPTIONAL = ("openvino", "onnxruntime-genai", "onnxruntime-web")


def export(task: TaskExport, folder: Path, targets: tuple[str, ...] = GRAPHS) -> Exported:
    return pipeline.export_task(task, folder, byte_tokenizer(), progress=lambda _: None, config=ExportConfig(targets))


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exported, Example]:
    """With a gate in one layer and arc-cosine features in the other, for all targets."""
    model = language_model({"gate": True})
    model.blocks[1] = language_model({"feature_map": "arccos", "random_vectors": 32}).blocks[1]
    exported = export(LanguageExport(model, 16), tmp_path_factory.mktemp("targets") / "model.rfa", ALL)
    return exported, Example(model, read_bundle(exported.bundle))


def assert_equal_where_checked(exported: Exported, targets: tuple[str, ...]) -> None:
    assert tuple(exported.report.parity) == targets
    for target, found in exported.report.parity.items():
        assert found, f"{target} was verified nowhere"
        for one in found:
            if isinstance(one, Parity):
                assert one.tokens_equal + one.near_ties == one.tokens_compared > 0
            else:
                assert one.runtime in OPTIONAL, "all others come with this package"


def test_a_language_model_for_all_targets(language: tuple[Exported, Example]) -> None:
    exported, example = language
    assert_equal_where_checked(exported, ALL)
    assert example.bundle.manifest.parity == exported.report.as_table()
    assert {spec.target for spec in example.bundle.manifest.graphs.values()} == set(ALL)
    assert len(list(exported.report.lines())) == sum(map(len, exported.report.parity.values()))


def test_a_translator(tmp_path: Path) -> None:
    assert_equal_where_checked(export(TranslatorExport(every_setting()), tmp_path / "model.rfa"), GRAPHS)


def test_a_translator_whose_decoder_reads_every_key_of_the_source(tmp_path: Path) -> None:
    """Softmax in the cross attention, and its mask: a matter of these two targets' own operators."""
    model = every_setting()
    model.decoder[0].cross_attention = softmax_twin().decoder[0].cross_attention
    targets = ("ort", "plain")
    assert_equal_where_checked(export(TranslatorExport(model), tmp_path / "model.rfa", targets), targets)


@pytest.mark.parametrize("kind", ["rfa", "softmax"])
def test_a_classifier_of_pairs(kind: str, tmp_path: Path) -> None:
    task = ClassifierExport(classifier({"kind": kind}, pairs=True), 256, LABELS, pairs=True)
    assert_equal_where_checked(export(task, tmp_path / "model.rfa"), GRAPHS)


def test_weights_lie_once_whatever_the_targets(language: tuple[Exported, Example], tmp_path: Path) -> None:
    folder = language[1].bundle.path
    shared = {name: (folder / name).stat().st_size for name in ("model.onnx.data",)}
    alone = export(LanguageExport(language[1].module, 16), tmp_path / "model.rfa", ("ort",)).bundle
    assert shared["model.onnx.data"] == (alone / "model.onnx.data").stat().st_size
    for file in folder.glob("*.onnx"):
        model = onnx.load(file, load_external_data=False)
        locations = {e.value for t in model.graph.initializer for e in t.external_data if e.key == "location"}
        assert locations == {"model.onnx.data"}, file


def test_every_graph_is_valid_and_only_target_ort_has_operators_of_onnx_runtime(
    language: tuple[Exported, Example],
) -> None:
    opsets = {"onnx27": 27, "plain": 17}
    for spec in language[1].bundle.manifest.graphs.values():
        if spec.target in opsets:
            file = language[1].bundle.path / spec.file
            onnx.checker.check_model(file, full_check=True)
            found = onnx.load(file, load_external_data=False)
            assert {o.domain: o.version for o in found.opset_import} == {"": opsets[spec.target]}
            assert {node.domain for node in found.graph.node} == {""}
            assert spec.target == "onnx27" or "LinearAttention" not in {node.op_type for node in found.graph.node}


def test_plain_graphs_run_step_by_step_in_our_own_runtime_too(language: tuple[Exported, Example]) -> None:
    example, ids = language[1], random_ids(2, 40)
    prefill, step = (StepSession(example.bundle, 1, graph=f"{role}.plain") for role in ("prefill", "model"))
    state = prefill.new_state(2)
    found = [prefill.step(ids[:, :13], state).copy(), prefill.step(ids[:, 13:30], state).copy()]
    found += [step.step(column[:, None], state).copy() for column in ids[:, 30:].T]
    wanted = torch_logits(example.module, ids)
    assert_near(np.stack(found, 1), wanted[:, [12, 29, *range(30, 40)]])


def test_torchscript_loads_where_none_of_our_code_is(language: tuple[Exported, Example]) -> None:
    code = """
import sys, torch
module = torch.jit.load(sys.argv[1])
ids, positions = torch.tensor([[5, 6, 7]]), torch.tensor([[0, 1, 2]])
states = [torch.zeros(1, 2, 32, 8), torch.zeros(1, 2, 32, 1)] * 2
logits, *states = module.prefill(ids, positions, *states)
logits, *states = module(torch.tensor([[8]]), torch.tensor([[3]]), *states)
print(logits.shape[-1], *(module for module in sys.modules if module.startswith("rfa")))
"""
    file = str(language[1].bundle.path / "model.ts")
    found = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["256"]


def test_a_build_for_phones_is_told_which_operators_it_needs(language: tuple[Exported, Example]) -> None:
    listed = (language[1].bundle.path / "required_operators.config").read_text().split()
    by_domain = {domain: names.split(",") for domain, _, names in (line.split(";") for line in listed)}
    assert "LinearAttention" in by_domain["com.microsoft"]
    assert set(by_domain) == {"ai.onnx", "com.microsoft"}


@pytest.mark.skipif(GenAi().version() is None, reason="onnxruntime-genai is not installed")
def test_genai_generates_the_same_tokens_and_never_ends_by_itself(language: tuple[Exported, Example]) -> None:
    code = """
import json, sys
import numpy as np
import onnxruntime_genai as og
folder, prompt = sys.argv[1], json.loads(sys.argv[2])
options = og.GeneratorParams(model := og.Model(folder))
options.set_search_options(max_length=len(prompt) + 256, do_sample=False)
generator = og.Generator(model, options)
generator.append_tokens(np.array(prompt, np.int32))
while not generator.is_done():
    generator.generate_next_token()
print(json.dumps(generator.get_sequence(0).tolist()))
"""
    folder, prompt = language[1].bundle.path, [72, 101, 108]
    command = [sys.executable, "-c", code, str(folder), json.dumps(prompt)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found == prompt + Decoder(folder, threads=1).generate(prompt, max_new_tokens=256).token_ids


@pytest.mark.skipif(GenAi().version() is None, reason="onnxruntime-genai is not installed")
@pytest.mark.parametrize(("prompts", "beams"), [([[72, 101, 108], [72]], 1), ([[72, 101, 108]], 2)])
def test_genai_refuses_batches_and_beams(
    prompts: list[list[int]], beams: int, language: tuple[Exported, Example]
) -> None:
    code = """
import json, sys
import onnxruntime_genai as og
folder, prompts, beams = map(json.loads, sys.argv[1:])
options = og.GeneratorParams(model := og.Model(folder))
options.set_search_options(max_length=64, batch_size=len(prompts), num_beams=beams)
generator = og.Generator(model, options)
longest = max(map(len, prompts))
generator.append_tokens([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
generator.generate_next_token()
"""
    arguments = map(json.dumps, (str(language[1].bundle.path), prompts, beams))
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert "Got invalid dimensions for input: input_ids" in done.stderr


def test_the_manifest_says_that_genai_reads_one_text_at_a_time(language: tuple[Exported, Example]) -> None:
    for spec in language[1].bundle.manifest.graphs.values():
        assert spec.rows == (1 if spec.target == "genai" else 0)


def test_a_bundle_only_for_others_says_so(gated: Example, tmp_path: Path) -> None:
    bundle = export(LanguageExport(gated.module, 16), tmp_path / "model.rfa", ("plain",)).bundle
    with pytest.raises(BundleError, match="export it again with ort among its targets"):
        StepSession(read_bundle(bundle))


def test_a_translator_only_for_others_is_a_whole_bundle(tmp_path: Path) -> None:
    exported = export(TranslatorExport(every_setting()), tmp_path / "model.rfa", ("plain",))
    assert set(read_bundle(exported.bundle).manifest.graphs) == {"model.plain", "prefill.plain", "encoder.plain"}


def layers_of_two_sizes() -> torch.nn.Module:
    model = language_model()
    model.blocks[1] = language_model({"feature_map": "arccos"}).blocks[1]
    return model


@pytest.mark.parametrize(
    ("task", "target", "words"),
    [
        (ClassifierExport(classifier(), 256, LABELS), "genai", "only for RFA language models"),
        (TranslatorExport(every_setting()), "genai", "only for RFA language models"),
        (LanguageExport(language_model({"kind": "softmax"})), "genai", "only for RFA language models"),
        (LanguageExport(layers_of_two_sizes()), "genai", "one size for all layers"),
        (LanguageExport(language_model({"kind": "softmax"})), "torchscript", "for RFA models"),
        (LanguageExport(language_model({"kind": "softmax"})), "plain", "softmax models have target ort"),
        (LanguageExport(language_model()), "mobile", "made of the graphs of target ort: add that to the targets"),
        (LanguageExport(language_model()), "triton", "made of the graphs of target ort: add that to the targets"),
        (LanguageExport(language_model()), "abacus", "'abacus' came, wanted one or more of ort, onnx27"),
    ],
)
def test_what_a_target_cannot_have_is_refused(task: TaskExport, target: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=words):
        export(task, tmp_path / "model.rfa", (target,))
    assert not list(tmp_path.iterdir())


def test_a_runtime_that_is_not_installed_is_reported_as_not_checked(
    gated: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenVino, "version", lambda _: None)
    exported = export(LanguageExport(gated.module, 16), tmp_path / "model.rfa", ("plain",))
    assert exported.report.parity["plain"][1] == NotChecked("openvino", "not installed")
    assert exported.report.as_table()["plain"]["others"] == [
        {"runtime": "openvino", "reason": "not installed", "checked": False}
    ]
    assert list(exported.report.lines())[1] == "plain: not checked in openvino: not installed"


def test_an_onnx_runtime_that_is_too_old_for_opset_27_is_reported_as_not_asked(
    gated: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rfa_export.runtimes.onnx_runtime.onnxruntime.__version__", "1.31.1")
    exported = export(LanguageExport(gated.module, 16), tmp_path / "model.rfa", ("plain", "onnx27"))
    old, reference = exported.report.parity["onnx27"]
    assert old == NotChecked("onnxruntime", "version 1.31.1 is installed, wanted 1.32 or newer")
    assert isinstance(reference, Parity)
    assert isinstance(exported.report.parity["plain"][0], Parity)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (lambda *_: lambda given: 1 / 0, "cannot run target plain: division by zero: nothing was written"),
        (
            lambda self, *_: lambda given: {name: array * 0 for name, array in given.items()} | {"logits": ZEROS},
            "the step graph of target plain in onnxruntime differs from torch",
        ),
    ],
)
def test_a_runtime_that_fails_or_differs_stops_the_export(
    load: object, words: str, gated: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rfa_export.runtimes.onnx_runtime.OnnxRuntime.load", load)
    with pytest.raises(ParityError, match=words):
        export(LanguageExport(gated.module, 16), tmp_path / "model.rfa", ("plain",))
    assert not list(tmp_path.iterdir())


ZEROS = np.zeros((1, 1, 256), np.float32)


@pytest.mark.parametrize(
    "task",
    [
        LanguageExport(language_model({"kind": "softmax"}), 16),
        TranslatorExport(softmax_twin(), SpecialIds(1, 2)),
    ],
    ids=["language model", "translator"],
)
def test_another_runtime_decodes_a_softmax_model_as_torch_does(task: TaskExport, tmp_path: Path) -> None:
    bundle = read_bundle(export(task, tmp_path / "model.rfa", ("ort",)).bundle)
    found = task.exam(bundle.manifest).compare(TargetGraphs(bundle, "ort", OnnxRuntime()))
    assert found.tokens_equal == found.tokens_compared > 0
