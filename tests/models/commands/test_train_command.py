"""`rfa-train`: one line and exit code 2 for every mistake, and a stopped run goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.commands.train import EPILOG, main
from rfa_models.errors import ConfigError
from rfa_models.recipes.recipe import read_recipe
from rfa_models.training.recipe_run import keep_log_up_to, train_recipe
from rfa_models.training.run import TrainingRun
from rfa_runtime.bundle.process_lock import writing
from rfa_runtime.errors import OutputBusyError

MODELS = Path(__file__).parents[3] / "models"
PLACES = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def rfa_train(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["recipe.toml", "-o", "model.pt", "--threads", "1", *arguments])


@pytest.fixture
def stopped_at() -> Iterator[Callable[[int, int], tuple[int, int]]]:
    """Start `rfa-train` in a process of its own and send it a signal once it has reported a step."""
    started: list[subprocess.Popen[str]] = []

    def run(step: int, number: int) -> tuple[int, int]:
        """Returns the exit code and the last step that was reported."""
        environment = PLACES | {"COLUMNS": "200"}
        command = [sys.executable, "-m", "rfa_models.commands.train", "recipe.toml", "-o", "model.pt", "--threads", "1"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        seen, sent = 0, False
        for line in process.stderr:
            if line.startswith("step "):
                seen = int(line.split()[1].rstrip(":"))
                if seen >= step and not sent:
                    sent = True
                    process.send_signal(number)
        return process.wait(60), seen

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def log_of(figure: str) -> list[Any]:
    return [json.loads(line)[figure] for line in Path("model.pt.log.jsonl").read_text().splitlines()]


def log_steps() -> list[int]:
    return log_of("step")


def test_a_run_leaves_a_model_and_a_log_and_nothing_else(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    result = rfa_train()
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path().iterdir()) == [
        "model.pt",
        "model.pt.further",
        "model.pt.log.jsonl",
        "recipe.toml",
        "text.txt",
    ]
    assert log_steps() == list(range(1, 13))
    assert load_checkpoint(Path("model.pt")).training["steps"] == 12


def test_json_result_is_one_object_on_stdout(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    found = json.loads(rfa_train("--json").stdout)
    assert found["model"] == "model.pt"
    assert found["steps"] == 12
    assert 1 < found["valid_perplexity"] < 300


@pytest.mark.parametrize(
    ("task", "metric", "amount"),
    [
        ("language-model", "perplexity", r"[\d,]+ training tokens"),
        ("stateful", "perplexity", r"[\d,]+ training tokens"),
        ("translation", "perplexity", "180 pairs"),
        ("classification", "accuracy", "180 texts of 10 classes"),
    ],
)
def test_every_task_names_its_figure_and_says_how_much_it_learns_from(
    recipe_file: Callable[..., Path], task: str, metric: str, amount: str
) -> None:
    recipe_file(task=task)
    result = rfa_train("--json")
    assert result.exit_code == 0, result.output
    found, log = json.loads(result.stdout), log_of(f"valid_{metric}")
    assert set(found) == {"model", "steps", f"valid_{metric}", "parameters"}
    model = load_checkpoint(Path("model.pt"))
    assert found["parameters"] == sum(parameter.numel() for parameter in model.model.parameters())
    assert found[f"valid_{metric}"] == model.training[f"valid_{metric}"] == log[-1]
    assert [value is not None for value in log] == [step in (6, 12) for step in range(1, 13)]
    assert re.search(amount, result.stderr)
    assert f"step 6: validation {metric} {log[5]:.3f}" in result.stderr


def test_a_translation_takes_two_plain_files_twice(recipe_file: Callable[..., Path]) -> None:
    recipe_file(task="translation", valid_fraction="0.1\nmax_tokens = 8")
    for name in ("a.en", "a.de", "b.en", "b.de"):
        Path(name).write_text("one two\nthree\n" * 5 + "a long line " * 9 * name.startswith("a"))
    files = [("--data", "a.en"), ("--data", "a.de"), ("--valid", "b.en"), ("--valid", "b.de")]
    result = rfa_train(*(word for option in files for word in option))
    assert result.exit_code == 0, result.output
    assert "10 pairs (1 longer than 8 tokens left out)" in result.stderr


def test_options_replace_the_recipes_settings(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    Path("other.txt").write_text("abc def\n" * 300, encoding="utf-8")
    result = rfa_train("--steps", "3", "--data", "other.txt", "--valid", "text.txt", "--json")
    assert json.loads(result.stdout)["steps"] == 3
    assert "2,400 training tokens" in result.stderr


def test_another_seed_gives_another_model_and_the_same_one_the_same(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    losses = []
    for index, seed in enumerate(("0", "1", "1")):
        assert rfa_train("--steps", "2", "--seed", seed, "-o", f"{index}.pt").exit_code == 0
        lines = Path(f"{index}.pt.log.jsonl").read_text().splitlines()
        losses.append([json.loads(line)["loss"] for line in lines])
    assert losses[0] != losses[1] == losses[2]


def test_a_finished_model_is_not_overwritten_unless_asked(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    Path("model.pt").write_bytes(b"old")
    result = rfa_train()
    assert result.exit_code == 2
    assert result.stderr == "Error: model.pt exists: give another name, or --overwrite\n"
    assert Path("model.pt").read_bytes() == b"old"
    assert rfa_train("--overwrite").exit_code == 0
    load_checkpoint(Path("model.pt"))


def test_a_finished_model_goes_on_with_more_steps(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    assert rfa_train("--steps", "3").exit_code == 0
    result = rfa_train("--steps", "5")
    assert result.exit_code == 0, result.output
    assert "training model.pt further, from step 3 to 5" in result.stderr
    assert log_steps() == [1, 2, 3, 4, 5]
    result = rfa_train("--steps", "5")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: model.pt exists and was trained for 5 steps, wanted 5: give more --steps")


def test_a_new_run_starts_from_a_model(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    assert rfa_train("--steps", "2", "-o", "base.pt").exit_code == 0
    assert rfa_train("--steps", "2", "--from", "base.pt").exit_code == 0
    assert load_checkpoint(Path("model.pt")).training["started_from"] == "base.pt"


@pytest.mark.parametrize("options", [[], ["--overwrite"], ["--restart"]])
def test_an_output_that_another_process_writes_is_refused_and_left_alone(
    recipe_file: Callable[..., Path], options: list[str]
) -> None:
    recipe_file()
    Path("model.pt.resume").write_bytes(b"another's")
    Path("model.pt.log.jsonl").write_bytes(b"another's")
    with writing("model.pt"):
        result = rfa_train(*options)
    assert result.exit_code == 2
    assert re.fullmatch(rf"Error: model.pt is being written by process {os.getpid()} on .*\n", result.stderr)
    assert Path("model.pt.resume").read_bytes() == Path("model.pt.log.jsonl").read_bytes() == b"another's"


def test_of_two_runs_into_one_output_one_is_refused(recipe_file: Callable[..., Path]) -> None:
    """The second has found the output free while the first still loaded torch."""
    recipe = read_recipe(recipe_file(steps="3"))
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(train_recipe, recipe, "model.pt") for _ in range(2)]
    errors = [run.exception() for run in runs if run.exception()]
    assert len(errors) == 1
    assert isinstance(errors[0], OutputBusyError | ConfigError)
    assert log_steps() == [1, 2, 3]


@pytest.mark.parametrize(
    ("edit", "arguments", "message"),
    [
        ({"layers": "1\nlayer = 2"}, [], "unknown key 'layer' in [model]: did you mean 'layers'?"),
        ({"heads": "0"}, [], "heads is 0, wanted a whole number from 1 to 1,048,576"),
        ({"layers": "["}, [], "not TOML"),
        ({"train": '["absent.txt"]'}, [], "absent.txt"),
        ({"segment_length": "100000"}, [], "give more text or a smaller segment_length"),
        ({}, ["-o", "absent/model.pt"], "absent is not a folder: make it first"),
        ({}, ["-o", "."], ". is a folder: name a file in it, such as model.pt"),
        ({}, ["-o", ".", "--overwrite"], ". is a folder"),
        ({}, ["--device", "banana"], "--device is 'banana'"),
        ({}, ["--device", "meta"], "--device is 'meta'"),
        ({}, ["--steps", "9" * 30], "steps is 999999999999999999999999999999, wanted a whole number"),
        ({"train": '["a\\u0000b"]'}, [], "is not a file's name"),
        ({"random_vectors": str(2**20), "pool_size": str(2**20)}, [], "not enough memory for the model and its random"),
        ({}, ["--from", "absent.pt"], "No such file or directory: 'absent.pt'"),
        ({}, ["--from", "recipe.bin"], "recipe.bin: the file is truncated or no checkpoint at all"),
        ({}, ["--data", "recipe.bin"], "byte 0xff at offset 0 is not UTF-8"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    recipe_file: Callable[..., Path], edit: dict[str, str], arguments: list[str], message: str
) -> None:
    recipe_file(**edit)
    Path("recipe.bin").write_bytes(b"\xff\xfe")
    result = rfa_train(*arguments)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not Path("model.pt").exists()


@pytest.mark.parametrize(
    "edit",
    [
        {"layers": "1\nvocab_size = 10"},
        {"steps": "12\nbeta2 = 1.5"},
        {"steps": f"12\nseed = {10**25}"},
        {"dropout": "9" * 400},
        {"steps": "9" * 5000},
        {"steps": "12\nx = " + "[" * 5000},
    ],
    ids=["vocab_size in model", "beta2", "seed", "large number", "many digits", "deep"],
)
def test_a_setting_that_cannot_work_is_one_line_and_exit_code_2(
    recipe_file: Callable[..., Path], edit: dict[str, str]
) -> None:
    recipe_file(**edit)
    result = rfa_train()
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: recipe.toml: ")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 300


@pytest.mark.parametrize("rate", ["inf", "1e6"])
def test_a_run_that_diverges_says_so(recipe_file: Callable[..., Path], rate: str) -> None:
    recipe_file(learning_rate=rate)
    assert rfa_train().exit_code == 2
    assert not Path("model.pt").exists()


def test_a_run_that_diverges_keeps_a_log_and_a_resume_point_that_are_finite(recipe_file: Callable[..., Path]) -> None:
    recipe_file(learning_rate="1e6", checkpoint_every="1")
    result = rfa_train()
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: step 3: the loss is nan: the run has diverged")
    assert log_steps() == [1, 2]
    kept = torch.load("model.pt.resume", weights_only=True)
    assert kept["done"] == 2
    assert all(tensor.isfinite().all() for tensor in kept["model"].values())
    recipe_file()
    assert "use --restart" in rfa_train().stderr
    assert rfa_train("--restart").exit_code == 0


def test_a_missing_recipe_is_one_line_and_exit_code_2(recipe_file: Callable[..., Path]) -> None:
    recipe_file("other.toml")
    result = rfa_train()
    assert result.exit_code == 2
    assert result.stderr == "Error: [Errno 2] No such file or directory: 'recipe.toml'\n"


def test_the_process_leaves_no_traceback_on_a_mistake(recipe_file: Callable[..., Path]) -> None:
    recipe_file(layers="1\nlayer = 2")
    command = [sys.executable, "-m", "rfa_models.commands.train", "recipe.toml"]
    done = subprocess.run(command, capture_output=True, text=True, env=PLACES)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "Error: recipe.toml: unknown key 'layer' in [model]: did you mean 'layers'?\n"


def test_a_killed_run_loses_no_more_than_checkpoint_every_steps_and_ends_as_one_that_was_not(
    recipe_file: Callable[..., Path], stopped_at: Callable[[int, int], tuple[int, int]]
) -> None:
    recipe_file(steps="400", evaluate_every="1")
    code, seen = stopped_at(10, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not Path("model.pt").exists()
    done = torch.load("model.pt.resume", weights_only=True)["done"]
    assert seen - 4 <= done <= seen + 4

    recipe_file(steps="400", evaluate_every="200")
    result = rfa_train()
    assert result.exit_code == 0, result.output
    assert f"resuming model.pt at step {done} of 400" in result.stderr
    assert log_steps() == list(range(1, 401))
    assert not Path("model.pt.resume").exists()
    resumed, losses = load_checkpoint(Path("model.pt")).model.state_dict(), log_of("loss")

    assert rfa_train("--overwrite").exit_code == 0
    assert log_of("loss") == losses
    for name, tensor in load_checkpoint(Path("model.pt")).model.state_dict().items():
        assert torch.equal(resumed[name], tensor), name


def test_a_run_killed_before_its_first_hundred_steps_has_something_to_go_on_from(
    recipe_file: Callable[..., Path], stopped_at: Callable[[int, int], tuple[int, int]]
) -> None:
    recipe_file(steps="400", evaluate_every="1", checkpoint_every="200\ncheckpoint_seconds = 0.05")
    _, seen = stopped_at(30, signal.SIGKILL)
    done = torch.load("model.pt.resume", weights_only=True)["done"]
    assert 1 < done <= seen + 30, "it was not only saved at its first step"
    assert not list(Path().glob(".*.tmp"))


@pytest.mark.parametrize(
    ("number", "task"),
    [
        (signal.SIGINT, "language-model"),
        (signal.SIGTERM, "stateful"),
        (signal.SIGINT, "translation"),
        (signal.SIGTERM, "classification"),
    ],
)
def test_ctrl_c_and_kill_exit_130_and_leave_a_run_that_goes_on(
    recipe_file: Callable[..., Path], stopped_at: Callable[[int, int], tuple[int, int]], number: int, task: str
) -> None:
    recipe_file(task=task, steps="200", evaluate_every="1")
    code, seen = stopped_at(3, number)
    assert code == 130
    assert not Path("model.pt").exists()
    assert not list(Path().glob(".*")), "a lock or a draft was left"
    assert torch.load("model.pt.resume", weights_only=True)["done"] == seen == log_steps()[-1]

    recipe_file(task=task, steps="200", evaluate_every="200")
    result = rfa_train()
    assert result.exit_code == 0, result.output
    assert f"resuming model.pt at step {seen} of 200" in result.stderr
    assert log_steps() == list(range(1, 201))


def test_log_lines_of_steps_that_were_lost_are_dropped(recipe_file: Callable[..., Path]) -> None:
    run = TrainingRun(read_recipe(recipe_file()), torch.device("cpu"))
    for report in run.steps():
        if report.step == 4:
            break
    run.save(Path("model.pt.resume"))
    lines = [json.dumps({"step": step}) for step in range(1, 7)]
    Path("model.pt.log.jsonl").write_text("\n".join([*lines, '{"step": 7, "lo']))
    assert rfa_train().exit_code == 0
    assert log_steps() == list(range(1, 13))


@pytest.mark.parametrize(("step", "kept"), [(0, 0), (2, 2), (3, 3), (9, 3)])
def test_the_log_is_cut_where_it_lies(tmp_path: Path, step: int, kept: int) -> None:
    """Written anew, it could be lost to a kill at this moment."""
    log, lines = tmp_path / "log", ['{"step": 1}\n', '{"step": 2}\n', '{"step": 3}\n']
    log.write_text("".join([*lines, '{"step": 4, "lo']))
    other_name = tmp_path / "same file"
    other_name.hardlink_to(log)
    keep_log_up_to(log, step)
    assert log.read_text() == other_name.read_text() == "".join(lines[:kept])


def test_a_log_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    keep_log_up_to(tmp_path / "log", 3)
    assert list(tmp_path.iterdir()) == []


def test_restart_forgets_the_run_before_once_it_begins(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    Path("model.pt.resume").write_bytes(b"damaged")
    assert rfa_train("--restart", "--steps", "1", "--json").exit_code == 0
    Path("model.pt.resume").write_bytes(b"damaged")
    recipe_file(train='["absent.txt"]')
    assert rfa_train("--restart", "--overwrite").exit_code == 2
    assert Path("model.pt.resume").read_bytes() == b"damaged", "a mistake costs nothing"
    recipe_file(learning_rate="1e6", steps="3")
    assert rfa_train("--restart", "--overwrite").exit_code == 2
    assert torch.load("model.pt.resume", weights_only=True)["done"] == 1


def test_the_example_of_the_help_names_a_recipe_that_is_there() -> None:
    assert (MODELS.parent / EPILOG.split()[2]).is_file()


def test_restart_forgets_the_run_before(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    Path("model.pt.resume").write_bytes(b"damaged")
    assert rfa_train().exit_code == 2
    result = rfa_train("--restart")
    assert result.exit_code == 0
    assert "resuming" not in result.stderr
    assert log_steps() == list(range(1, 13))


def test_a_run_under_another_recipe_is_refused_and_kept(
    recipe_file: Callable[..., Path], stopped_at: Callable[[int, int], tuple[int, int]]
) -> None:
    recipe_file(steps="400", evaluate_every="1")
    stopped_at(2, signal.SIGINT)
    before = Path("model.pt.resume").read_bytes()
    recipe_file(steps="400", layers="2")
    result = rfa_train()
    assert result.exit_code == 2
    assert "belongs to a run with other settings" in result.stderr
    assert Path("model.pt.resume").read_bytes() == before


def test_signal_handlers_are_as_before_after_a_run(recipe_file: Callable[..., Path]) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    recipe_file()
    rfa_train()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
