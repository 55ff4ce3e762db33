"""`model.pt`: what is saved comes back, what is hostile is refused in words, what is half written never shows."""

import contextlib
import copy
import json
import os
import pickle
import resource
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models

from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_models.errors import CheckpointError, ConfigError, ModelError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.whole_files import save_atomically
from rfa_runtime.bundle.manifest import SpecialIds


@pytest.fixture
def path(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    path = tmp_path / "model.pt"
    save_checkpoint(checkpoint, path)
    return path


@pytest.fixture
def edited(path: Path) -> Callable[..., Path]:
    """Write the checkpoint again with other entries; `attention` and `tensors` are merged into what is there."""

    def write(
        attention: dict | None = None, tensors: dict | None = None, config: dict | None = None, **rest: Any
    ) -> Path:
        table = copy.deepcopy(torch.load(path, weights_only=True))
        table["config"]["attention"].update(attention or {})
        table["config"].update(config or {})
        table["tensors"].update(tensors or {})
        torch.save(table | rest, path)
        return path

    return write


class Code:
    """Unpickling this makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def refused(path: Path, message: str = ".") -> None:
    """In one line, with the file's name, and without memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match=message) as error:
        load_checkpoint(path)
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


# --- round trip


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tie_embeddings": False, "positions": "none"},
        {"attention": {"gate": True, "feature_map": "arccos"}},
        {"attention": {"kind": "softmax"}},
        {"attention": {"matrices": "orthogonal", "feature_scale": 0.1, "denominator": "clamp"}},
    ],
)
def test_a_saved_model_comes_back_to_the_bit(
    tmp_path: Path, small_model: Callable[..., LanguageModel], settings: dict[str, Any]
) -> None:
    settings = dict(settings)
    model = small_model(settings.pop("attention", None), **settings)
    saved = Checkpoint(model, byte_tokenizer(), 16, {"steps": 3, "valid_perplexity": 9.5})
    save_checkpoint(saved, tmp_path / "model.pt")
    loaded = load_checkpoint(tmp_path / "model.pt")
    ids = torch.randint(256, (2, 9))
    assert torch.equal(loaded.model(ids), model(ids))
    assert loaded.model.config == model.config
    assert not loaded.model.training
    assert loaded.tokenizer.to_str() == saved.tokenizer.to_str()
    assert (loaded.segment_length, loaded.training) == (saved.segment_length, saved.training)


def test_a_loaded_model_can_be_saved_and_trained_again(tmp_path: Path, path: Path) -> None:
    loaded = load_checkpoint(path)
    save_checkpoint(loaded, tmp_path / "again.pt")
    assert load_checkpoint(tmp_path / "again.pt").model.config == loaded.model.config
    loaded.model.train()(torch.randint(256, (1, 5))).sum().backward()
    assert loaded.model.embedding.weight.grad is not None


def test_random_matrices_are_read_from_the_file_and_not_redrawn(edited: Callable[..., Path]) -> None:
    matrices = torch.randn(2, 8, 8)
    path = edited(tensors={f"blocks.{i}.attention.random_matrices": matrices for i in range(2)})
    assert torch.equal(load_checkpoint(path).model.blocks[1].attention.random_matrices, matrices)


def test_tied_embeddings_are_stored_once_and_stay_tied(path: Path) -> None:
    assert "head.weight" not in torch.load(path, weights_only=True)["tensors"]
    model = load_checkpoint(path).model
    assert model.head.weight is model.embedding.weight


def test_half_precision_tensors_come_back_in_float32(path: Path, edited: Callable[..., Path]) -> None:
    tensors = {name: tensor.half() for name, tensor in torch.load(path, weights_only=True)["tensors"].items()}
    assert {p.dtype for p in load_checkpoint(edited(tensors=tensors)).model.parameters()} == {torch.float32}


def test_a_tied_head_that_is_stored_twice_must_be_the_embedding(path: Path, edited: Callable[..., Path]) -> None:
    weight = torch.load(path, weights_only=True)["tensors"]["embedding.weight"]
    model = load_checkpoint(edited(tensors={"head.weight": weight.clone()})).model
    assert model.head.weight is model.embedding.weight
    refused(edited(tensors={"head.weight": weight + 1}), "'head.weight' is not equal to 'embedding.weight'")


def test_tensors_that_lie_transposed_in_memory_come_back(path: Path, edited: Callable[..., Path]) -> None:
    weight = torch.randn(256, 16)
    found = load_checkpoint(edited(tensors={"embedding.weight": weight.T.contiguous().T})).model.embedding.weight
    assert torch.equal(found, weight)
    assert found.is_contiguous()


def test_a_model_is_saved_without_what_torch_put_around_it(path: Path, checkpoint: Checkpoint) -> None:
    plain = torch.load(path, weights_only=True)
    model = copy.deepcopy(checkpoint.model)
    model.blocks[0] = torch.compile(model.blocks[0])
    save_checkpoint(Checkpoint(torch.nn.DataParallel(torch.compile(model)), checkpoint.tokenizer, 16), path)
    table = torch.load(path, weights_only=True)
    assert table["task"] == "language-model"
    assert table["tensors"].keys() == plain["tensors"].keys()


def test_a_file_of_a_model_in_a_wrapper_is_read(path: Path, checkpoint: Checkpoint) -> None:
    """As older versions wrote it: with the names of the wrapper, the head twice, and as a classifier."""
    table = torch.load(path, weights_only=True)
    del table["segment_length"]
    tensors = torch.compile(checkpoint.model).state_dict()
    torch.save(table | {"task": "classification", "tensors": tensors}, path)
    ids = torch.randint(256, (2, 9))
    assert torch.equal(load_checkpoint(path).model(ids), checkpoint.model.eval()(ids))


def test_a_tensor_by_its_own_name_and_by_a_wrappers_is_refused(edited: Callable[..., Path]) -> None:
    refused(edited(tensors={"module.norm.bias": torch.zeros(16)}), "'norm.bias' is there twice")


def test_what_is_no_model_of_ours_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Linear is no model of ours"):
        save_checkpoint(Checkpoint(torch.nn.Linear(2, 2), byte_tokenizer()), tmp_path / "model.pt")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_path_may_be_a_string(tmp_path: Path, checkpoint: Checkpoint) -> None:
    save_checkpoint(checkpoint, str(tmp_path / "model.pt"))
    assert load_checkpoint(str(tmp_path / "model.pt")).model.config == checkpoint.model.config


def test_entries_of_the_file_are_plain_types(path: Path) -> None:
    table = torch.load(path, weights_only=True)
    assert (table["format"], table["format_version"], table["task"]) == ("rfa-checkpoint", 1, "language-model")
    of_all = {"format", "format_version", "task", "config", "tokenizer", "training", "tensors"}
    assert table.keys() == of_all | {"segment_length", "special_ids", "sampling", "chat_template"}


def test_a_file_of_format_version_1_as_it_is_documented_loads(tmp_path: Path) -> None:
    """Spelled out by hand: files of earlier days must stay readable."""
    linear = {"q_proj": (4, 4), "k_proj": (4, 4), "v_proj": (4, 4), "out_proj": (4, 4), "gate_proj": (2, 4)}
    shapes = {f"attention.{name}.weight": shape for name, shape in linear.items()}
    shapes |= {f"attention.{name}.bias": shape[:1] for name, shape in linear.items()}
    shapes |= {"attention.sigma": (2, 1, 2), "attention.random_matrices": (2, 3, 2)}
    shapes |= {f"{norm}.{part}": (4,) for norm in ("attention_norm", "mlp_norm") for part in ("weight", "bias")}
    shapes |= {"mlp.0.weight": (8, 4), "mlp.0.bias": (8,), "mlp.2.weight": (4, 8), "mlp.2.bias": (4,)}
    tensors = {f"blocks.0.{name}": torch.randn(shape) for name, shape in shapes.items()}
    tensors |= {"embedding.weight": torch.randn(256, 4), "norm.weight": torch.ones(4), "norm.bias": torch.zeros(4)}
    attention = {"kind": "rfa", "heads": 2, "head_dim": 2, "feature_map": "gaussian", "random_vectors": 3, "gate": True}
    attention |= {"gate_bias": 3.0, "matrices": "iid", "pool_size": 200, "seed": 0, "feature_scale": None, "tau": 1.0}
    attention |= {"unit_norm": "guarded", "unit_norm_eps": 1e-8, "denominator": "signed_floor"}
    attention |= {"denominator_floor": 1e-3, "chunk": 64}
    config = {"vocab_size": 256, "layers": 1, "mlp_width": 8, "dropout": 0.0, "tie_embeddings": True}
    table = {
        "format": "rfa-checkpoint",
        "format_version": 1,
        "task": "language-model",
        "config": config | {"positions": "sinusoidal", "attention": attention},
        "tokenizer": byte_tokenizer().to_str(),
        "segment_length": 16,
        "training": {"steps": 3, "valid_perplexity": 9.5, "torch": "2.13.0", "recipe": {"steps": 3}},
        "tensors": tensors,
    }
    torch.save(table, tmp_path / "model.pt")
    loaded = load_checkpoint(tmp_path / "model.pt")
    assert loaded.training == table["training"]
    assert loaded.model(torch.zeros(1, 5, dtype=torch.int64)).isfinite().all()
    for name, tensor in tensors.items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name


# --- hostile, damaged and foreign files


def test_a_pickle_with_code_is_refused_and_its_code_does_not_run(tmp_path: Path, edited: Callable[..., Path]) -> None:
    trap = tmp_path / "trap"
    refused(edited(training={"code": Code(trap)}), "more than tensors and plain values")
    assert not trap.exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_bare_pickle_with_code_is_refused_and_its_code_does_not_run(tmp_path: Path, protocol: int) -> None:
    trap, path = tmp_path / "trap", tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Code(trap), protocol))
    refused(path)
    assert not trap.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path, small_model: Callable[..., LanguageModel]) -> None:
    torch.save(small_model(), tmp_path / "model.pt")
    refused(tmp_path / "model.pt", "more than tensors and plain values")


@pytest.mark.parametrize("part", [0.001, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused(path: Path, part: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(len(content) * part))])
    refused(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"hello\n" * 50, b"PK\x03\x04" + bytes(200), bytes(300), b"\x80\x02."])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("percent", range(0, 100, 9))
def test_wrong_bytes_anywhere_give_a_checkpoint_error_or_a_checkpoint(path: Path, percent: int) -> None:
    content = bytearray(path.read_bytes())
    place = len(content) * percent // 100
    content[place : place + 16] = bytes(byte ^ 0x55 for byte in content[place : place + 16])
    path.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        assert isinstance(load_checkpoint(path), Checkpoint)


@pytest.mark.parametrize("table", [[], 3, {}, {"format": "other"}, {"state_dict": {}}, torch.zeros(3)])
def test_a_torch_file_of_another_program_is_refused(tmp_path: Path, table: Any) -> None:
    torch.save(table, tmp_path / "model.pt")
    refused(tmp_path / "model.pt", "not a file that rfa-train wrote")


def test_a_missing_file_or_a_folder_is_an_os_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pt", tmp_path):
        with pytest.raises(OSError, match=path.name):
            load_checkpoint(path)


@pytest.mark.parametrize("version", [2, 10**30, 10**600, 0, -1, None, "1", 1.0, True])
def test_another_format_version_is_refused_with_the_next_step(edited: Callable[..., Path], version: Any) -> None:
    refused(edited(format_version=version), "update rfa-export")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"task": "other"}, "task 'other', wanted one of language-model, translation, classification"),
        ({"task": 3}, "task 3, wanted one of"),
        ({"task": "translation"}, "unknown key 'layers'"),
        ({"tokenizer": 3}, "'tokenizer' is not a str"),
        ({"tokenizer": "{}"}, "its tokenizer cannot be read"),
        ({"tokenizer": "[" * 50_000}, "its tokenizer cannot be read"),
        ({"segment_length": -1}, "segment_length is -1, wanted a number from 0"),
        ({"segment_length": 10**600}, "segment_length is a number of 1,994 bits"),
        ({"segment_length": "16"}, "'segment_length' is not a int"),
        ({"training": []}, "'training' is not a dict"),
        ({"tensors": {}}, "config says 2 layers, the tensors are of 0"),
        ({"tensors": []}, "'tensors' is not a dict"),
        ({"tensors": {"embedding.weight": 3.0}}, "not a tensor of floating-point"),
    ],
)
def test_wrong_entries_are_named(path: Path, entry: dict[str, Any], message: str) -> None:
    torch.save(torch.load(path, weights_only=True) | entry, path)
    refused(path, message)


@pytest.mark.parametrize("key", ["config", "tokenizer", "segment_length", "training", "tensors"])
def test_missing_entries_are_named(path: Path, key: str) -> None:
    table = torch.load(path, weights_only=True)
    del table[key]
    torch.save(table, path)
    refused(path, f"its '{key}' is not a")


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_values_that_are_not_finite_are_refused(edited: Callable[..., Path], value: float) -> None:
    weight = torch.zeros(256, 16)
    weight[7, 3] = value
    refused(edited(tensors={"embedding.weight": weight}), "'embedding.weight' holds values that are not finite")


def test_a_missing_tensor_is_named(path: Path) -> None:
    table = torch.load(path, weights_only=True)
    del table["tensors"]["norm.bias"]
    torch.save(table, path)
    refused(path, "'norm.bias' is missing")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"extra": torch.zeros(1)}, "'extra' is not of this model"),
        ({"norm.bias": torch.zeros(17)}, r"'norm.bias' has shape \(17,\), its config wants \(16,\)"),
        ({"norm.bias": torch.zeros(())}, r"'norm.bias' has shape \(\)"),
        ({"norm.bias": torch.zeros(16, dtype=torch.int64)}, "'norm.bias' among its tensors is not"),
        ({"norm.bias": torch.zeros(16, dtype=torch.complex64)}, "'norm.bias' among its tensors is not"),
        ({3: torch.zeros(1)}, "3 among its tensors"),
    ],
)
def test_tensors_that_do_not_fit_are_named(edited: Callable[..., Path], tensors: dict[Any, Any], message: str) -> None:
    refused(edited(tensors=tensors), message)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1).expand(10**15),
        torch.zeros(16).to_sparse(),
        torch.zeros(16, device="meta"),
        torch.zeros(16).to(torch.float8_e4m3fn),
    ],
    ids=["stride 0", "sparse", "meta", "float8"],
)
def test_tensors_that_are_not_plain_memory_are_refused(edited: Callable[..., Path], tensor: torch.Tensor) -> None:
    refused(edited(tensors={"norm.bias": tensor}))


@pytest.mark.parametrize(
    "config", [{"layers": 10**9}, {"layers": 3}, {"layers": 1}, {"vocab_size": 10**12}, {"mlp_width": 10**9}]
)
def test_a_model_of_absurd_size_is_refused_without_building_it(
    edited: Callable[..., Path], config: dict[str, Any]
) -> None:
    refused(edited(config=config))


@pytest.mark.parametrize(
    "attention",
    [
        {"heads": 10**6, "head_dim": 10**3, "pool_size": 10**6},
        {"random_vectors": 10**12},
        {"head_dim": 10**8},
    ],
)
def test_an_attention_of_absurd_size_is_refused_without_building_it(
    edited: Callable[..., Path], attention: dict[str, Any]
) -> None:
    refused(edited(attention=attention))


@pytest.mark.parametrize(
    "settings",
    [
        {"attention": {"head_dim": 2**62}},
        {"attention": {"random_vectors": 10**30}},
        {"attention": {"heads": 2**31, "head_dim": 2**31, "pool_size": 2**31}},
        {"config": {"vocab_size": 2**62}},
        {"config": {"mlp_width": 2**62}},
    ],
)
def test_sizes_beyond_64_bits_are_refused(edited: Callable[..., Path], settings: dict[str, Any]) -> None:
    refused(edited(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"config": {"layer": 2}}, "unknown key 'layer'"),
        ({"config": {"vocab_size": "256"}}, "vocab_size is '256', wanted int"),
        ({"config": {"attention": [1]}}, "config.attention"),
        ({"config": {"layers": 10**600}}, "layers is a number of 1,994 bits"),
        ({"config": {10**600: 1}}, "unknown key a number of 1,994 bits"),
        ({"config": {"layers": torch.zeros(3, 3)}}, r"config.layers is a tensor of shape \(3, 3\), wanted int"),
        ({"config": {"dropout": 10**400}}, "config.dropout is a number of 1,329 bits"),
        ({"attention": {"kind": torch.zeros(3)}}, "wanted one of rfa, softmax"),
        ({"attention": {"gate_bias": float("nan")}}, "gate_bias is nan"),
        ({"attention": {"tau": -1.0}}, "tau is -1.0"),
        ({"attention": {"kind": "other"}}, "wanted one of rfa, softmax"),
        ({"config": {"vocab_size": 100}}, "tokenizer has ids up to 255, the model knows 100 tokens"),
    ],
)
def test_a_config_that_cannot_work_is_named(
    edited: Callable[..., Path], settings: dict[str, Any], message: str
) -> None:
    refused(edited(**settings), message)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_feature_scale_that_cannot_work_is_refused(edited: Callable[..., Path], scale: float) -> None:
    refused(edited(attention={"feature_scale": scale}))


def test_a_tokenizer_with_ids_beyond_the_vocabulary_is_refused(edited: Callable[..., Path]) -> None:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "abc": 100_000}, unk_token="<unk>"))
    refused(edited(tokenizer=tokenizer.to_str()))


@pytest.mark.parametrize("change", ["padding", "truncation"])
def test_a_tokenizer_neither_pads_nor_truncates_after_loading(
    tmp_path: Path, path: Path, edited: Callable[..., Path], change: str
) -> None:
    tokenizer = byte_tokenizer()
    if change == "padding":
        tokenizer.enable_padding(length=10**9, pad_id=10**6)
    else:
        tokenizer.enable_truncation(3)
    saved = replace(load_checkpoint(path), tokenizer=tokenizer)
    save_checkpoint(saved, tmp_path / "saved.pt")
    for file in (tmp_path / "saved.pt", edited(tokenizer=tokenizer.to_str())):
        assert load_checkpoint(file).tokenizer.to_str() == byte_tokenizer().to_str()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"special_ids": {"bos": 256}}, "special_ids has 256, the model knows 256 tokens"),
        ({"special_ids": {"eos": -1}}, "special_ids has -1"),
        ({"special_ids": {"other_ends": [3, 999]}}, "special_ids has 999"),
        ({"special_ids": {"eos": "</s>"}}, "special_ids.eos is '</s>', wanted int"),
        ({"special_ids": {"pad": 1}}, "unknown key 'pad'"),
        ({"special_ids": 7}, "is 7, wanted a table"),
        ({"sampling": {"temperature": -1}}, "temperature is -1"),
        ({"sampling": {"heat": 1}}, "unknown setting 'heat'"),
        ({"sampling": [1]}, "wanted a table of settings"),
    ],
)
def test_what_a_file_says_of_beginnings_ends_and_sampling_is_checked(
    edited: Callable[..., Path], entries: dict[str, Any], words: str
) -> None:
    refused(edited(**entries), words)


def test_beginnings_ends_and_sampling_come_back(tmp_path: Path, path: Path) -> None:
    said = {"special_ids": SpecialIds(1, 2, (3, 4)), "sampling": {"temperature": 0.7, "top_k": 5}}
    save_checkpoint(replace(load_checkpoint(path), **said), tmp_path / "said.pt")
    loaded = load_checkpoint(tmp_path / "said.pt")
    assert {"special_ids": loaded.special_ids, "sampling": loaded.sampling} == said


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path: Path, edited: Callable[..., Path]) -> None:
    source, bomb = edited(tensors={"extra": torch.zeros(10_000_000)}), tmp_path / "bomb.pt"
    with zipfile.ZipFile(source) as stored, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(bomb)
    assert "extra" not in str(error.value)


def test_errors_of_checkpoints_are_value_errors_of_the_package() -> None:
    assert issubclass(CheckpointError, ModelError)
    assert issubclass(CheckpointError, ValueError)


# --- whole or not at all


def half_written(error: BaseException) -> Callable[..., None]:
    def save(table: Any, file: Any) -> None:
        file.write(b"half")
        raise error

    return save


@pytest.mark.parametrize("error", [OSError("no space left"), RuntimeError("enforce fail"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old_file(
    path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(torch, "save", half_written(error))
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OSError):
        save_checkpoint(checkpoint, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["model.pt"]


def test_a_failing_first_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "save", half_written(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        save_atomically({}, tmp_path / "model.pt")
    assert list(tmp_path.iterdir()) == []


def test_saving_replaces_the_old_file_and_leaves_nothing_beside_it(path: Path, checkpoint: Checkpoint) -> None:
    path.write_bytes(b"old")
    save_checkpoint(checkpoint, path)
    load_checkpoint(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["model.pt"]


def test_saving_into_a_missing_folder_is_an_os_error(tmp_path: Path, checkpoint: Checkpoint) -> None:
    with pytest.raises(NotADirectoryError, match="absent is not a folder: make it first"):
        save_checkpoint(checkpoint, tmp_path / "absent" / "model.pt")


def test_the_tokenizer_is_stored_as_its_json(path: Path) -> None:
    assert json.loads(torch.load(path, weights_only=True)["tokenizer"])["model"]["type"] == "BPE"
