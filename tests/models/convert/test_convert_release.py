"""Files of the release: what is read of them, and what is not let in."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from rfa_models.convert.release import ReleaseSettings, read_release
from rfa_models.errors import CheckpointError

TENSORS = {"decoder.a": torch.ones(3), "decoder.b": torch.zeros(2, 2)}
ARGS = {"causal_tau": 2, "cross_tau": 0.5, "encoder_attention_heads": 8, "arch": "x", "dropout": None}


class Attack:
    """Unpickled, it would run a command."""

    def __reduce__(self) -> Any:
        return os.system, ("touch attacked",)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("checkpoint_best.pt")


def saved(table: Any, file: Path) -> Path:
    torch.save(table, file)
    return file


@pytest.mark.parametrize(
    "table",
    [
        {"model": TENSORS, "args": ARGS},
        {"model": TENSORS, "args": Namespace(**ARGS), "extra_state": {"epoch": 3}, "last_optimizer_state": None},
        {"model": TENSORS, "args": None, "cfg": {"model": ARGS, "task": {}}},
        {"model": TENSORS, "cfg": {"model": Namespace(**ARGS)}},
    ],
    ids=["args", "namespace", "cfg", "cfg with namespace"],
)
def test_settings_are_found_where_fairseq_puts_them(file: Path, table: Any) -> None:
    release = read_release(saved(table, file))
    assert release.settings == ReleaseSettings(causal_tau=2.0, cross_tau=0.5, encoder_attention_heads=8)
    assert release.has_settings
    assert {name: tensor.tolist() for name, tensor in release.tensors.items()} == {
        name: tensor.tolist() for name, tensor in TENSORS.items()
    }


@pytest.mark.parametrize("table", [TENSORS, {"model": TENSORS}, {"model": TENSORS, "args": None}])
def test_tensors_alone_have_the_releases_defaults(file: Path, table: Any) -> None:
    release = read_release(saved(table, file))
    assert release.settings == ReleaseSettings()
    assert not release.has_settings
    assert release.tensors.keys() == TENSORS.keys()


def test_what_fairseq_adds_is_left_out(file: Path) -> None:
    version = {"decoder.version": torch.tensor([3]), "decoder.embed_positions._float_tensor": torch.zeros(1)}
    assert read_release(saved(TENSORS | version, file)).tensors.keys() == TENSORS.keys()


def test_half_precision_becomes_float32_exactly(file: Path) -> None:
    half = torch.randn(5).half()
    found = read_release(saved({"a": half}, file)).tensors["a"]
    assert found.dtype == torch.float32
    assert torch.equal(found.half(), half)


def test_tied_tensors_stay_tied_and_count_once(file: Path) -> None:
    shared = torch.randn(50, 40).half()
    release = read_release(saved({"a": shared, "b": shared, "c": shared}, file))
    assert release.tensors["a"] is release.tensors["b"] is release.tensors["c"]


def test_code_is_not_run(file: Path) -> None:
    for table in ({"model": TENSORS, "args": Attack()}, {"model": {"a": Attack()}}, Attack()):
        with pytest.raises(
            CheckpointError, match=r"holds more than tensors and plain values, so it was not loaded: save"
        ):
            read_release(saved(table, file))
    assert not Path("attacked").exists()


def test_namespaces_are_let_in_here_alone(file: Path) -> None:
    read_release(saved({"model": TENSORS, "args": Namespace()}, file))
    with pytest.raises(Exception, match="Namespace"):
        torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"format": "rfa-checkpoint", "tensors": {}}, "is one of our own files, there is nothing to convert"),
        ({"format": "rfa-resume"}, "is one of our own files"),
        ([1, 2], r"holds \[1, 2\], wanted a checkpoint of the authors' release"),
        ({}, r"holds \{\}, wanted"),
        ({"model": 5}, "'model' among its tensors is not a tensor"),
        ({"a": 5}, "'a' among its tensors is not a tensor"),
        ({"a": torch.ones(2, dtype=torch.int64)}, "'a' among its tensors is not a tensor of floating-point numbers"),
        ({3: torch.ones(2)}, "3 among its tensors is not"),
        ({"a": torch.tensor([1.0, torch.nan])}, "'a' holds values that are not finite"),
        ({"a": torch.ones(1).expand(10**9)}, "its tensors claim more numbers than the file holds"),
        ({"a": torch.ones(4, 4).to_sparse()}, "'a' .* is not plain memory"),
        ({"a": torch.ones(3, device="meta")}, "'a' .* is not plain memory"),
        ({"model": TENSORS, "args": [1]}, r"its settings are \[1\], wanted a table"),
        ({"model": TENSORS, "args": {"causal_tau": "x"}}, "args.causal_tau is 'x', wanted float"),
        ({"model": TENSORS, "args": {"causal_tau": 0}}, "causal_tau is 0.0, wanted a number from"),
        (
            {"model": TENSORS, "args": {"activation_fn": "swish"}},
            "args.activation_fn is 'swish', wanted one of gelu, relu",
        ),
        ({"model": TENSORS, "args": {"reparam_proj": False}}, "only models with a learned sigma can be converted"),
        ({"model": TENSORS, "args": {"learned_tau": True}}, "learned_tau is true: only models with a fixed tau"),
        ({"model": TENSORS, "args": {"norm_rescale": True}}, "norm_rescale is true: only models with a fixed tau and"),
        ({"model": TENSORS, "args": {"random_feature": "prf"}}, "args.random_feature is 'prf', wanted one of rrf"),
        ({"model": TENSORS, "args": {"cuda_causal_rfa": "no"}}, "args.cuda_causal_rfa is 'no', wanted"),
        ({"model": TENSORS, "args": {"adaptive_input": True}}, r"has adaptive input \(args.adaptive_input\): tables"),
        ({"model": {"x.adaptive_softmax.y": 5}, "args": None}, r"has an adaptive softmax \('x.adaptive_softmax.y'\)"),
        ({"model": TENSORS, "args": {"encoder_attention_heads": 0}}, "encoder_attention_heads is 0, wanted"),
        ({"model": TENSORS, "args": {"cross_proj_dim": -1}}, "cross_proj_dim is -1, wanted"),
        ({"model": TENSORS, "args": {"dropout": 1.5}}, "dropout is 1.5, wanted"),
    ],
)
def test_other_files_are_refused_in_one_line(file: Path, table: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        read_release(saved(table, file))
    assert str(error.value).startswith("checkpoint_best.pt: ")
    assert len(str(error.value).splitlines()) == 1


def test_the_form_of_old_torch_is_named(file: Path) -> None:
    torch.save(TENSORS, file, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"in the form of torch before 1\.6: load it and save"):
        read_release(file)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 no archive"])
def test_other_bytes_are_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="truncated or no checkpoint at all"):
        read_release(file)
