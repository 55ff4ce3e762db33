"""Training: it learns, and a run that was stopped ends as one that was not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rfa_models.checkpoints.checkpoint import save_checkpoint
from rfa_models.data.config import TextConfig
from rfa_models.errors import CheckpointError, ConfigError, DataError, TrainingError
from rfa_models.recipes.recipe import read_recipe
from rfa_models.training.optimizer import build_optimizer
from rfa_models.training.resume import recipe_fingerprint
from rfa_models.training.run import TrainingRun

CPU = torch.device("cpu")
tasks = pytest.mark.parametrize("task", ["language-model", "stateful", "translation", "classification"])


def start(path: Path) -> TrainingRun:
    return TrainingRun(read_recipe(path), CPU)


def finish(run: TrainingRun) -> dict[str, torch.Tensor]:
    for _ in run.steps():
        pass
    return run.model.state_dict()


def assert_same_weights(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert torch.equal(found[name], wanted[name]), name


@pytest.mark.parametrize("kind", ["rfa", "softmax"])
def test_loss_falls_on_the_built_in_text(recipe_file: Callable[..., Path], kind: str) -> None:
    settings = {"gate": "false", "heads": '2\nkind = "softmax"'} if kind == "softmax" else {}
    path = recipe_file(steps="60", train='["pydoc"]', valid_fraction="0.005", evaluate_every="60", **settings)
    run = start(path)
    reports = list(run.steps())
    first, last = (sum(report.loss for report in part) / 5 for part in (reports[:5], reports[-5:]))
    assert [report.step for report in reports] == list(range(1, 61))
    assert last < first - 1
    assert run.valid < 60  # 256 is knowing nothing
    assert reports[-1].valid == run.valid


@tasks
@pytest.mark.parametrize("stop", [1, 5, 11])
def test_an_interrupted_and_restored_run_gives_the_same_weights_to_the_bit(
    recipe_file: Callable[..., Path], task: str, stop: int
) -> None:
    path = recipe_file(task=task)
    whole = start(path)
    wanted = finish(whole)
    killed = start(path)
    for report in killed.steps():
        if report.step == stop:
            break
    killed.save(Path("run.resume"))
    torch.manual_seed(999)  # another process has another generator
    resumed = start(path)
    resumed.restore(Path("run.resume"))
    assert resumed.done == stop
    assert_same_weights(finish(resumed), wanted)
    assert resumed.valid == whole.valid


@tasks
def test_saving_and_evaluating_do_not_change_the_run(recipe_file: Callable[..., Path], task: str) -> None:
    wanted = finish(start(recipe_file(task=task)))
    run = start(recipe_file(task=task, evaluate_every="1"))
    for _ in run.steps():
        run.save(Path("run.resume"))
    assert_same_weights(run.model.state_dict(), wanted)


def test_same_recipe_gives_the_same_weights_and_another_seed_others(recipe_file: Callable[..., Path]) -> None:
    wanted = finish(start(recipe_file()))
    assert_same_weights(finish(start(recipe_file())), wanted)
    other = finish(start(recipe_file(steps="12\nseed = 5")))
    assert not torch.equal(other["embedding.weight"], wanted["embedding.weight"])


def test_accumulated_batches_equal_one_large_batch(recipe_file: Callable[..., Path]) -> None:
    large = finish(start(recipe_file(dropout="0.0", batch_size="4", steps="3")))
    parts = finish(start(recipe_file(dropout="0.0", batch_size="2\naccumulate = 2", steps="3")))
    for name in large:
        torch.testing.assert_close(parts[name], large[name], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("task", "name", "whole", "part"),
    [("translation", "batch_tokens", "100_000", "400"), ("classification", "batch_size", "180", "100")],
)
def test_accumulated_batches_of_unlike_sizes_equal_one_of_all(
    recipe_file: Callable[..., Path], task: str, name: str, whole: str, part: str
) -> None:
    settings = {"task": task, "dropout": "0.0", "steps": "1"}
    batches = len(start(recipe_file(**settings, **{name: part})).task.batches)
    parts = start(recipe_file(**settings, **{name: f"{part}\naccumulate = {batches}"})).step()
    wanted = start(recipe_file(**settings, **{name: whole})).step()
    assert batches > 1
    assert parts == pytest.approx(wanted, rel=1e-5)  # float32 sums in another order; means of means were 1% off


@pytest.mark.parametrize(
    "change", [{"layers": "2"}, {"steps": "13"}, {"learning_rate": "2e-2"}, {"valid_fraction": "0.1"}]
)
def test_a_resume_file_of_another_recipe_is_refused(recipe_file: Callable[..., Path], change: dict[str, str]) -> None:
    start(recipe_file()).save(Path("run.resume"))
    with pytest.raises(CheckpointError, match="other settings: restore the recipe, or use restart=True"):
        start(recipe_file(**change)).restore(Path("run.resume"))


@pytest.mark.parametrize("line", ["stateful = true", 'schedule = "inverse-sqrt"'])
def test_settings_change_the_fingerprint(recipe_file: Callable[..., Path], line: str) -> None:
    plain, changed = (recipe_fingerprint(read_recipe(recipe_file(steps=steps))) for steps in ("12", f"12\n{line}"))
    assert plain != changed


def test_how_often_a_run_is_measured_and_saved_may_change_on_the_way(recipe_file: Callable[..., Path]) -> None:
    first, second = (
        read_recipe(recipe_file(**lines))
        for lines in ({}, {"evaluate_every": "3", "checkpoint_every": "1\ncheckpoint_seconds = 5"})
    )
    assert recipe_fingerprint(first) == recipe_fingerprint(second)


@pytest.mark.parametrize("kind", ["char", "bpe", "byte"])
def test_a_changed_text_is_noticed(recipe_file: Callable[..., Path], kind: str) -> None:
    path = recipe_file(kind=f'"{kind}"')
    start(path).save(Path("run.resume"))
    Path("text.txt").write_text("something else §\n" * 500, encoding="utf-8")
    with pytest.raises(CheckpointError, match="text has changed"):
        start(path).restore(Path("run.resume"))


@pytest.mark.parametrize("part", ["train", "valid"])
def test_a_single_changed_letter_is_noticed(recipe_file: Callable[..., Path], part: str) -> None:
    path = recipe_file()
    start(path).save(Path("run.resume"))
    text = Path("text.txt").read_text(encoding="utf-8")
    place = 100 if part == "train" else len(text) - 100
    Path("text.txt").write_text(text[:place] + "#" + text[place + 1 :], encoding="utf-8")
    with pytest.raises(CheckpointError, match="the text has changed since: restore it, or use restart=True"):
        start(path).restore(Path("run.resume"))


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04"])
def test_a_damaged_resume_file_is_refused(recipe_file: Callable[..., Path], content: bytes) -> None:
    Path("run.resume").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"run\.resume: .*, or use restart=True"):
        start(recipe_file()).restore(Path("run.resume"))


def test_a_resume_file_without_the_carried_states_is_refused(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file(task="stateful"))
    run.save(Path("run.resume"))
    table = torch.load("run.resume", weights_only=True)
    del table["carried"]
    torch.save(table, "run.resume")
    with pytest.raises(CheckpointError, match=r"run\.resume: it does not fit the run .* use restart=True"):
        run.restore(Path("run.resume"))


@pytest.mark.parametrize(
    "carried",
    [[], [torch.zeros(2, 2, 16, 8)], [torch.full((2, 2, 16, 9), torch.nan)], "x", [torch.zeros(3, 2, 16, 9)], 3],
    ids=["none", "shape", "nan", "text", "batch", "number"],
)
def test_carried_states_that_do_not_fit_are_refused(recipe_file: Callable[..., Path], carried: Any) -> None:
    path = recipe_file(task="stateful")
    stepped(path, 3).save(Path("run.resume"))
    torch.save(torch.load("run.resume", weights_only=True) | {"carried": carried}, "run.resume")
    with pytest.raises(CheckpointError, match=r"run\.resume: it does not fit the run .* use restart=True"):
        start(path).restore(Path("run.resume"))


@pytest.mark.parametrize(
    "key",
    [
        "recipe",
        "text",
        "done",
        "valid_perplexity",
        "model",
        "optimizer",
        "scaler",
        "pool_rng",
        "torch_rng",
        "device_rng",
    ],
)
def test_a_resume_file_without_an_entry_is_refused(recipe_file: Callable[..., Path], key: str) -> None:
    run = start(recipe_file())
    run.save(Path("run.resume"))
    table = torch.load("run.resume", weights_only=True)
    del table[key]
    torch.save(table, "run.resume")
    with pytest.raises(CheckpointError, match=rf"run\.resume: its '{key}' is missing .* use restart=True"):
        run.restore(Path("run.resume"))


def stepped(path: Path, steps: int) -> TrainingRun:
    run = start(path)
    for report in run.steps():
        if report.step == steps:
            break
    return run


@pytest.mark.parametrize(
    "entry",
    [
        {"done": "3"},
        {"done": -1},
        {"done": 10**30},
        {"valid_perplexity": "low"},
        {"model": {}},
        {"model": {"norm.bias": torch.zeros(3)}},
        {"optimizer": {}},
        {"optimizer": {"state": {}, "param_groups": []}},
        {"pool_rng": torch.zeros(3)},
        {"torch_rng": torch.zeros(3, dtype=torch.uint8)},
        {"device_rng": 3},
    ],
    ids=str,
)
def test_a_resume_file_with_a_damaged_entry_is_refused(recipe_file: Callable[..., Path], entry: dict[str, Any]) -> None:
    path = recipe_file()
    stepped(path, 3).save(Path("run.resume"))
    torch.save(torch.load("run.resume", weights_only=True) | entry, "run.resume")
    with pytest.raises(CheckpointError, match=r"run\.resume: .* use restart=True") as error:
        start(path).restore(Path("run.resume"))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("key", "value"), [("exp_avg", torch.zeros(3)), ("exp_avg_sq", torch.zeros(1).expand(10**12))])
def test_moments_of_other_weights_are_refused(recipe_file: Callable[..., Path], key: str, value: torch.Tensor) -> None:
    path = recipe_file()
    stepped(path, 3).save(Path("run.resume"))
    table = torch.load("run.resume", weights_only=True)
    table["optimizer"]["state"][0][key] = value
    torch.save(table, "run.resume")
    with pytest.raises(CheckpointError, match="state is of other weights"):
        start(path).restore(Path("run.resume"))


def test_a_resume_file_with_weights_that_are_not_finite_is_refused(recipe_file: Callable[..., Path]) -> None:
    path = recipe_file()
    stepped(path, 3).save(Path("run.resume"))
    table = torch.load("run.resume", weights_only=True)
    table["model"]["norm.bias"][0] = torch.nan
    torch.save(table, "run.resume")
    with pytest.raises(CheckpointError, match=r"norm\.bias holds values that are not finite"):
        start(path).restore(Path("run.resume"))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"learning_rate": "1e6"}, "step 3: the loss is nan"),
        ({"learning_rate": "1e3\nweight_decay = 0.0", "steps": "6"}, "step 6: the validation perplexity is inf"),
    ],
)
def test_a_run_that_diverges_stops_and_says_what_to_change(
    recipe_file: Callable[..., Path], settings: dict[str, str], problem: str
) -> None:
    run = start(recipe_file(**settings))
    with pytest.raises(TrainingError) as error:
        finish(run)
    assert str(error.value).startswith(f"{problem}: the run has diverged")
    assert f"lower learning_rate (now {run.recipe.train.learning_rate:g}) or clip (now 1)" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_step_whose_gradient_is_not_finite_leaves_the_weights(recipe_file: Callable[..., Path]) -> None:
    run = stepped(recipe_file(), 3)
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    run.model.norm.bias.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(TrainingError, match=r"step 4: the gradient norm is (inf|nan)"):
        run.step()
    assert_same_weights(run.model.state_dict(), before)


def test_a_resume_point_is_not_overwritten_with_weights_that_are_not_finite(recipe_file: Callable[..., Path]) -> None:
    run = stepped(recipe_file(), 3)
    run.save(Path("run.resume"))
    before = Path("run.resume").read_bytes()
    with torch.no_grad():
        run.model.norm.bias[0] = torch.nan
    with pytest.raises(TrainingError, match=r"step 3: norm\.bias holds values that are not finite"):
        run.save(Path("run.resume"))
    assert Path("run.resume").read_bytes() == before


def test_a_checkpoint_made_on_the_way_does_not_change_the_run(recipe_file: Callable[..., Path]) -> None:
    wanted = finish(start(recipe_file()))
    run = start(recipe_file())
    for _ in run.steps():
        run.checkpoint()
    assert_same_weights(run.model.state_dict(), wanted)


def test_a_checkpoint_is_not_a_resume_file(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file())
    save_checkpoint(run.checkpoint(), Path("model.pt"))
    with pytest.raises(CheckpointError, match="not a file that rfa-train wrote"):
        run.restore(Path("model.pt"))


def test_the_checkpoint_tells_of_its_training(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file())
    finish(run)
    made = run.checkpoint()
    assert not made.model.training
    assert (made.task, made.segment_length) == ("language-model", 16)
    assert made.training["steps"] == 12
    assert made.training["valid_perplexity"] == run.valid


def test_each_step_trains_on_other_random_matrices(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file(pool_size="200"))
    matrices = [run.model.blocks[0].attention.training_matrices.clone() for _ in run.steps()]
    assert not any(torch.equal(earlier, later) for earlier, later in itertools.pairwise(matrices))


def test_random_matrices_of_evaluation_are_not_trained(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file())
    before = run.model.blocks[0].attention.random_matrices.clone()
    assert torch.equal(finish(run)["blocks.0.attention.random_matrices"], before)


def test_only_matrices_are_decayed(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file())
    decayed, others = build_optimizer(run.model, run.recipe.train).param_groups
    assert decayed["weight_decay"] == 0.1
    assert others["weight_decay"] == 0.0
    assert {p.dim() for p in decayed["params"]} == {2}
    assert len(decayed["params"]) + len(others["params"]) == len(list(run.model.parameters()))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precisions_of_the_cpu_train(recipe_file: Callable[..., Path], precision: str) -> None:
    run = start(recipe_file(steps=f'12\nprecision = "{precision}"'))
    reports = list(run.steps())
    assert reports[-1].loss < reports[0].loss
    assert {p.dtype for p in run.model.parameters()} == {torch.float32}


def test_float16_is_refused_without_cuda(recipe_file: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="needs a CUDA device"):
        start(recipe_file(steps='12\nprecision = "float16"'))


def test_text_too_short_is_refused(recipe_file: Callable[..., Path]) -> None:
    path = recipe_file()
    Path("text.txt").write_text("short", encoding="utf-8")
    with pytest.raises(DataError, match="give more text or a smaller segment_length"):
        start(path)


@pytest.mark.parametrize("content", ["", "x"])
def test_validation_text_too_short_is_refused_before_training(recipe_file: Callable[..., Path], content: str) -> None:
    recipe = read_recipe(recipe_file())
    Path("short.txt").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=f"the validation text has {len(content)} token"):
        TrainingRun(replace(recipe, data=TextConfig(("text.txt",), ("short.txt",))), CPU)
