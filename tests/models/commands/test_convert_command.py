"""`rfa-convert`: a model of the release in, a checkpoint out, or one line and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from release import (
    HEADS,
    PROJECT,
    START,
    VOCABULARY,
    Array,
    ReleasedModel,
    Tensors,
    doc_mt_names,
    language_model_tensors,
    matrix_pool,
    translator_tensors,
    without_causal_matrices,
)
from tokenizers import Tokenizer, models

from rfa_export.tolerances import MODELS_FLOAT64
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.commands.convert import main
from rfa_models.convert.checkpoint import convert_release
from rfa_runtime.bundle.process_lock import writing

PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
ARGS: dict[str, Any] = {"encoder_attention_heads": 2, "causal_tau": 1.5, "cross_tau": 0.8, "causal_proj_dim": 120}
SOURCE, TARGET = [5, 9, 4, 2], [2, 6, 10, 5]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """An empty folder to work in; the call writes the files of a converter's user into it."""
    monkeypatch.chdir(tmp_path)

    def write(tensors: Tensors | None = None, args: dict[str, Any] | None = ARGS, pool: Any = None) -> None:
        torch.save({"model": translator_tensors() if tensors is None else tensors, "args": args}, "source.pt")
        np.save("4_120.npy", matrix_pool() if pool is None else pool)
        Path("dict.txt").write_text("".join(f"w{n} 1\n" for n in range(VOCABULARY - 4)), encoding="utf-8")
        vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2} | {f"w{n}": n for n in range(3, VOCABULARY)}
        Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>")).save("tokenizer.json")

    return write


def rfa_convert(*arguments: str, words: str | None = "--dictionary=dict.txt") -> Result:
    given = ["source.pt", *arguments]
    if words is not None:
        given.append(words)
    return CliRunner().invoke(main, given)


def assert_refused(result: Result, message: str) -> None:
    """One line, exit code 2, nothing written."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert result.stdout == ""
    assert not Path("model.pt").exists()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_a_translator_of_the_release_becomes_a_checkpoint(folder: Callable[..., None]) -> None:
    folder()
    result = rfa_convert()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "model.pt: translator of 2 + 2 layers, 4 heads of width 4, 120 + 150 random vectors"
    )
    assert result.stderr == ""
    loaded = load_checkpoint(Path("model.pt"))
    assert loaded.training == {"converted_from": "source.pt"}
    assert loaded.tokenizer.encode("w0 w9", add_special_tokens=False).ids == [4, 13]
    released = ReleasedModel(translator_tensors(), matrix_pool(), causal_tau=1.5, cross_tau=0.8)
    found = loaded.model.double()(torch.tensor([SOURCE]), torch.tensor([[START, *TARGET[1:]]]))[0]
    assert np.abs(found.detach().numpy() - released.translate(SOURCE, TARGET)).max() <= MODELS_FLOAT64


def test_paths_may_be_strings(folder: Callable[..., None]) -> None:
    folder()
    found = convert_release("source.pt", "model.pt", dictionary="dict.txt")
    assert load_checkpoint("model.pt").training == {"converted_from": "source.pt"}
    assert found.summary()


def test_a_language_model_of_the_release_becomes_a_checkpoint(folder: Callable[..., None]) -> None:
    folder(language_model_tensors(), {"causal_tau": 1.5, "tokens_per_sample": 128})
    result = rfa_convert()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("model.pt: language model of 2 layers, 4 heads of width 4, 120 random vectors")
    loaded = load_checkpoint(Path("model.pt"))
    assert loaded.segment_length == 128
    released = ReleasedModel(language_model_tensors(), matrix_pool(), pre_norm=True, causal_tau=1.5)
    found = loaded.model.double()(torch.tensor([TARGET]))[0]
    assert np.abs(found.detach().numpy() - released.decode(TARGET)).max() <= MODELS_FLOAT64


def gap(path: str, released: ReleasedModel) -> float:
    """The largest difference of a converted translator's logits from the release's own."""
    model = load_checkpoint(Path(path)).model.double()
    found = model(torch.tensor([SOURCE]), torch.tensor([[START, *TARGET[1:]]]))[0]
    return float(np.abs(found.detach().numpy() - released.translate(SOURCE, TARGET)).max())


def released_translator(**settings: Any) -> ReleasedModel:
    return ReleasedModel(translator_tensors(), matrix_pool(), causal_tau=1.5, cross_tau=0.8, **settings)


def test_the_program_for_documents_is_known_by_its_names_and_has_constants_of_its_own(
    folder: Callable[..., None],
) -> None:
    folder()
    assert rfa_convert().exit_code == 0
    folder(doc_mt_names(translator_tensors()))
    result = rfa_convert("-o", "other.pt")
    assert result.exit_code == 0, result.output
    one, other = (load_checkpoint(Path(name)).model.state_dict() for name in ("model.pt", "other.pt"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert "source.pt is a file of rfa-doc-mt, by its names or settings" in result.stderr
    assert "taken: feature scale 0.1, floor 0.1; others can be given" in result.stderr
    assert gap("model.pt", released_translator()) <= MODELS_FLOAT64
    assert gap("other.pt", released_translator(floor=0.1, cross_sign=True)) <= MODELS_FLOAT64
    assert gap("other.pt", released_translator()) > 0.1


def test_the_program_for_documents_is_known_by_its_settings(folder: Callable[..., None]) -> None:
    folder(args=ARGS | {"random_matrices_path": "random_matrices", "cuda_causal_rfa": False, "norm_rescale": False})
    result = rfa_convert()
    assert result.exit_code == 0, result.output
    assert result.stderr.count("\n") == 1  # its masked form divides as its decoding does: no word of that
    assert gap("model.pt", released_translator(floor=0.1, cross_sign=True)) <= MODELS_FLOAT64


def test_other_constants_may_be_given(folder: Callable[..., None]) -> None:
    folder()
    result = rfa_convert("--feature-scale", "0.07", "--denominator-floor", "0.3")
    assert result.exit_code == 0, result.output
    assert gap("model.pt", released_translator(scale=0.07, floor=0.3)) <= MODELS_FLOAT64


@pytest.mark.parametrize("option", ["--feature-scale", "--denominator-floor"])
def test_constants_that_cannot_work_are_refused(folder: Callable[..., None], option: str) -> None:
    folder()
    for value in ("0", "-1", "nan"):
        assert_refused(rfa_convert(option, value), f"Error: {option} is ")


def test_training_by_another_function_than_decoding_is_said(folder: Callable[..., None]) -> None:
    folder(args=ARGS | {"cuda_causal_rfa": False})
    result = rfa_convert()
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("source.pt was trained with cuda_causal_rfa off: its causal attention divided by ")
    assert "by max(|phi(q).z|, 0.001), this model divides by max(phi(q).z, 1), as the authors' own" in result.stderr
    assert result.stderr.count("\n") == 1
    assert gap("model.pt", released_translator()) <= MODELS_FLOAT64
    assert gap("model.pt", released_translator(masked=True)) > 0.1


@pytest.mark.parametrize("args", [ARGS, ARGS | {"cuda_causal_rfa": True}])
def test_nothing_is_said_where_training_and_decoding_are_one_function(
    folder: Callable[..., None], args: dict[str, Any]
) -> None:
    folder(args=args)
    assert rfa_convert().stderr == ""


@pytest.mark.parametrize("tensors", [translator_tensors(), language_model_tensors()], ids=["translator", "language"])
def test_a_file_of_random_matrices_is_for_checkpoints_without_them(
    folder: Callable[..., None], tensors: Tensors
) -> None:
    folder(tensors)
    assert rfa_convert("--random-matrices", "4_120.npy").exit_code == 0
    folder(without_causal_matrices(tensors))
    assert rfa_convert("--random-matrices", "4_120.npy", "-o", "other.pt").exit_code == 0
    one, other = (load_checkpoint(Path(name)).model.state_dict() for name in ("model.pt", "other.pt"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_file_of_random_matrices_is_rounded_as_in_training_unless_told_not_to(folder: Callable[..., None]) -> None:
    pool = matrix_pool().astype(np.float64) + 1e-5
    folder(without_causal_matrices(translator_tensors()), pool=pool)
    given = ["--random-matrices", "4_120.npy"]
    assert rfa_convert(*given).exit_code == 0
    assert rfa_convert(*given, "--exact-matrices", "-o", "exact.pt").exit_code == 0
    first = torch.tensor(pool[:HEADS])
    for name, wanted in (("model.pt", first.half().float()), ("exact.pt", first.float())):
        layer = load_checkpoint(Path(name)).model.decoder[0].attention
        assert torch.equal(layer.random_matrices, wanted), name


def test_missing_or_other_random_matrices_are_refused(folder: Callable[..., None]) -> None:
    folder(without_causal_matrices(translator_tensors()))
    assert_refused(rfa_convert(), "source.pt: holds no random matrices of causal attention: add --random-matrices")
    folder(pool=matrix_pool(seed=3))
    result = rfa_convert("--random-matrices", "4_120.npy")
    assert_refused(result, "source.pt: was trained with other random matrices than those of --random-matrices: leave")


def test_options_stand_in_for_settings_and_the_rest_is_named(folder: Callable[..., None]) -> None:
    folder(args=None)
    assert_refused(rfa_convert(), "source.pt: does not say how many heads its encoder has: add --encoder-heads")
    result = rfa_convert("--encoder-heads", "2", "--causal-tau", "1.5", "--cross-tau", "0.8", "-o", "other.pt")
    assert result.exit_code == 0, result.output
    assert "source.pt has no settings, these were taken: encoder_attention_heads 2," in result.stderr
    assert "activation_fn relu" in result.stderr
    folder()
    assert rfa_convert().exit_code == 0
    one, other = (load_checkpoint(Path(name)).model.state_dict() for name in ("model.pt", "other.pt"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert load_checkpoint(Path("other.pt")).model.config.causal_attention.tau == 1.5


def test_options_go_before_the_files_settings(folder: Callable[..., None]) -> None:
    folder()
    assert rfa_convert("--cross-tau", "3").exit_code == 0
    assert load_checkpoint(Path("model.pt")).model.config.cross_attention.tau == 3.0


def test_a_tokenizer_may_stand_in_for_the_dictionary(folder: Callable[..., None]) -> None:
    folder()
    result = rfa_convert(words="--tokenizer=tokenizer.json")
    assert result.exit_code == 0, result.output
    assert load_checkpoint(Path("model.pt")).tokenizer.token_to_id("w5") == 5


def without(*names: str) -> Tensors:
    return {name: tensor for name, tensor in translator_tensors().items() if name not in names}


def with_one(name: str, *shape: int) -> Tensors:
    return translator_tensors() | {name: torch.ones(*shape)}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (without("encoder.layers.1.fc1.bias"), "source.pt: has no 'encoder.layers.1.fc1.bias' (with"),
        (without("decoder.layers.0.self_attn.sigma"), "has no tensor 'decoder.layers.0.self_attn.sigma'"),
        (without(f"{PROJECT}layers.1.sigma"), f"has no '{PROJECT}layers.1.sigma' (with '{PROJECT}' as the module that"),
        (
            without(f"{PROJECT}random_matrices_eval", f"{PROJECT}random_matrices"),
            f"has no tensor '{PROJECT}random_matrices_eval'",
        ),
        (without(f"{PROJECT}layers.0.k_proj.weight"), "has 0 tensors '...layers.0.k_proj.weight', wanted one"),
        (without("decoder.embed_tokens.weight"), "has no tensor 'decoder.embed_tokens.weight'"),
        (without("decoder.layers.0.fc1.weight"), "has no tensor 'decoder.layers.0.fc1.weight'"),
        (with_one("decoder.extra", 1), "has 'decoder.extra', not known"),
        (with_one("encoder.embed_positions.weight", 9, 16), "has 'encoder.embed_positions.weight', not known"),
        (with_one("decoder.layers.x.fc1.bias", 20), "more and has 'decoder.layers.x.fc1.bias', not known"),
        (with_one("encoder.layer_norm.weight", 16), "normalizes before each branch, wanted both or none"),
        (
            with_one("encoder.layers.1.fc1.bias", 7),
            "'encoder.layers.1.fc1.bias' has shape (7,), the others go with (20,)",
        ),
        (with_one("decoder.layers.1.self_attn.sigma", 4, 1, 8), "has shape (4, 1, 8), the others go with (4, 1, 4)"),
        (with_one("decoder.layers.0.self_attn.sigma", 4, 4), "has shape (4, 4), wanted 3 dimensions"),
        (with_one(f"{PROJECT}random_matrices_eval", 4, 150, 8), "have shape (4, 150, 8), the model wants [4, D, 4]"),
        (with_one("decoder.random_matrices_eval", 2, 120, 4), "have shape (2, 120, 4), the model wants [4, 120, 4]"),
        (with_one("encoder.embed_tokens.weight", 14, 16), "only models with one dictionary and one embedding"),
        (with_one("encoder.embed_tokens.weight", 9, 16), "only models with one dictionary and one embedding"),
        (
            {"decoder.a": torch.ones(2)},
            "has no tensor 'decoder.layers.0.self_attn.sigma': is it a model of the release?",
        ),
    ],
)
def test_another_model_is_refused(folder: Callable[..., None], tensors: Tensors, message: str) -> None:
    folder(tensors)
    assert_refused(rfa_convert(), message)


def adaptive_tensors() -> Tensors:
    """A language model as the paper's: bands of tokens, a projection for each, an output in clusters, no last norm."""
    tensors = language_model_tensors()
    embedding = tensors.pop("decoder.embed_tokens.weight")
    for name in ("decoder.output_projection.weight", "decoder.layer_norm.weight", "decoder.layer_norm.bias"):
        del tensors[name]
    for band, width in enumerate((16, 4)):
        rows = slice(7 * band, 7 * band + 7)
        tensors[f"decoder.embed_tokens.embeddings.{band}.0.weight"] = embedding[rows, :width].clone()
        tensors[f"decoder.embed_tokens.embeddings.{band}.1.weight"] = torch.ones(16, width)
    tensors["decoder.adaptive_softmax.head.class_proj.weight"] = torch.ones(1, 16)
    return tensors


ADAPTIVE = {"adaptive_input": True, "adaptive_softmax_cutoff": "20000,60000"}


@pytest.mark.parametrize(
    ("tensors", "args", "message"),
    [
        (
            adaptive_tensors(),
            ADAPTIVE,
            "has adaptive input ('decoder.embed_tokens.embeddings.0.0.weight') and an adaptive softmax "
            "('decoder.adaptive_softmax.head.class_proj.weight'): tables of unequal width",
        ),
        (adaptive_tensors(), None, "has adaptive input ('decoder.embed_tokens.embeddings.0.0.weight') and"),
        (language_model_tensors(), ADAPTIVE, "has adaptive input (args.adaptive_input) and an adaptive softmax (args."),
        (language_model_tensors(), {"adaptive_softmax_cutoff": [9]}, "has an adaptive softmax (args.adaptive_softmax"),
        (
            with_one("decoder.adaptive_softmax.tail.0.0.weight", 1) | {"bad": None},
            ARGS,
            "has an adaptive softmax ('dec",
        ),
    ],
)
def test_adaptive_input_is_refused_by_name_before_other_tensors(
    folder: Callable[..., None], tensors: Tensors, args: dict[str, Any] | None, message: str
) -> None:
    folder(tensors, args)
    result = rfa_convert()
    assert_refused(result, f"source.pt: {message}")
    assert (
        "convert a model that fairseq trained without --adaptive-input and --adaptive-softmax-cutoff" in result.stderr
    )


def test_settings_that_ask_for_nothing_adaptive_are_no_hindrance(folder: Callable[..., None]) -> None:
    folder(args=ARGS | {"adaptive_input": False, "adaptive_softmax_cutoff": None})
    assert rfa_convert().exit_code == 0


def test_a_language_model_without_a_last_norm_is_refused(folder: Callable[..., None]) -> None:
    tensors = language_model_tensors()
    del tensors["decoder.layer_norm.weight"], tensors["decoder.layer_norm.bias"]
    folder(tensors)
    assert_refused(rfa_convert(), "source.pt: has no decoder.layer_norm: language models that normalize after")


@pytest.mark.parametrize(
    ("settings", "pool", "message"),
    [
        ({"causal_proj_dim": 64}, None, "4_120.npy: matrices of shape (9, 120, 4), the model wants [4 or more, 64, 4]"),
        ({"cross_proj_dim": 64}, None, "random_matrices_eval' have shape (4, 150, 4), the model wants [4, 64, 4]"),
        ({}, matrix_pool()[:3], "matrices of shape (3, 120, 4)"),
        ({}, matrix_pool()[..., :3], "matrices of shape (9, 120, 3)"),
        ({}, np.array([print], dtype=object), "4_120.npy: not a .npy file of numbers"),
        ({"encoder_attention_heads": 3}, None, "wide (heads x head_dim), wanted one width for all"),
    ],
)
def test_settings_and_matrices_that_do_not_fit_are_refused(
    folder: Callable[..., None], settings: dict[str, Any], pool: Array | None, message: str
) -> None:
    folder(without_causal_matrices(translator_tensors()), args=ARGS | settings, pool=pool)
    assert_refused(rfa_convert("--random-matrices", "4_120.npy"), message)


def test_code_in_the_file_is_not_run(folder: Callable[..., None]) -> None:
    class Attack:
        def __reduce__(self) -> Any:
            return os.system, ("touch attacked",)

    folder(args=Attack())
    assert_refused(rfa_convert(), "source.pt: holds more than tensors and plain values, so it was not loaded")
    assert not Path("attacked").exists()


@pytest.mark.parametrize("words", [None, "--tokenizer=absent.json", "--tokenizer=dict.txt", "--dictionary=4_120.npy"])
def test_a_tokenizer_that_cannot_be_is_refused(folder: Callable[..., None], words: str | None) -> None:
    folder()
    assert_refused(rfa_convert(words=words), "")


def test_a_tokenizer_with_other_ids_is_refused(folder: Callable[..., None]) -> None:
    folder()
    Tokenizer(models.WordLevel({"<s>": 1, "</s>": 0}, unk_token="<s>")).save("tokenizer.json")
    assert_refused(rfa_convert(words="--tokenizer=tokenizer.json"), "tokenizer.json: '<s>' has id 1, in fairseq's")
    assert_refused(rfa_convert("--tokenizer=tokenizer.json"), "wanted one of --dictionary and --tokenizer")


def test_a_dictionary_of_another_model_is_refused(folder: Callable[..., None]) -> None:
    folder()
    Path("dict.txt").write_text("a 1\n", encoding="utf-8")
    assert_refused(rfa_convert(), "dict.txt: 5 tokens with the 4 special ones, the model knows 14")


def test_a_missing_file_is_refused(folder: Callable[..., None]) -> None:
    folder()
    Path("4_120.npy").unlink()
    assert_refused(rfa_convert("--random-matrices", "4_120.npy"), "No such file or directory: '4_120.npy'")
    Path("source.pt").unlink()
    assert_refused(rfa_convert(), "No such file or directory: 'source.pt'")


def test_a_model_is_not_overwritten_unless_asked(folder: Callable[..., None]) -> None:
    folder()
    Path("model.pt").write_bytes(b"old")
    result = rfa_convert()
    assert result.exit_code == 2
    assert result.stderr == "Error: model.pt exists: give another name, or --overwrite\n"
    assert Path("model.pt").read_bytes() == b"old"
    assert rfa_convert("--overwrite").exit_code == 0
    load_checkpoint(Path("model.pt"))


def test_a_model_that_another_process_writes_is_refused(folder: Callable[..., None]) -> None:
    folder()
    with writing("model.pt"):
        result = rfa_convert("--overwrite")
    assert_refused(result, "model.pt is being written by process ")


def test_the_process_leaves_no_traceback_on_a_mistake(folder: Callable[..., None]) -> None:
    folder({"decoder.a": torch.ones(2)})
    command = [sys.executable, "-m", "rfa_models.commands.convert", "source.pt", "--dictionary", "dict.txt"]
    done = subprocess.run(command, capture_output=True, text=True, env=PLACES)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: source.pt: has no tensor")
    assert done.stderr.count("\n") == 1
