"""Training: from a recipe to a checkpoint, resumable at any time, the same for every task.

run = TrainingRun(recipe, device)        data, model and optimizer, all from the recipe's seed
run.restore(resume_file)                 optional: go on where a killed run stopped, to the same end result
for report in run.steps():               one optimizer step each
    run.save(resume_file)                whole or not at all
run.checkpoint()                         what `model.pt` holds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rfa_models.attention.random_matrices import MatrixPools
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.networks.kinds import Model
from rfa_models.recipes.recipe import Recipe
from rfa_models.tasks.autocast import check_precision
from rfa_models.tasks.registry import read_task
from rfa_models.tasks.share import WHOLE, Share
from rfa_models.tasks.task import Measured
from rfa_models.training.distributed.spread import adding_up, give_moments, give_weights, spread, whole
from rfa_models.training.distributed.world import World
from rfa_models.training.divergence import check_finite, check_weights
from rfa_models.training.optimizer import build_optimizer, check_moments, learning_rate
from rfa_models.training.out_of_memory import memory_for
from rfa_models.training.resume import damaged, read_progress, read_resume_point, recipe_fingerprint, write_resume_point
from rfa_models.training.start_from import read_start
from rfa_models.wording import one_line

FIRST_FEW = 8
"""Batches: texts of like length come together, so one batch alone may be long or short."""


@dataclass(frozen=True)
class StepReport:
    """What one step showed.  The log holds one of these a line."""

    step: int
    """Steps done, this one included."""
    loss: float
    """Mean loss of the step, in nats."""
    learning_rate: float
    """The rate of this step."""
    gradient_norm: float
    """Before clipping."""
    tokens_per_s: float
    """Without padding."""
    valid: float | None = None
    """The task's figure, measured every `evaluate_every` steps and at the end."""

    def as_table(self, metric: str) -> dict[str, Any]:
        """For the log, which calls the figure by its name."""
        table = asdict(self)
        return table | {f"valid_{metric}": table.pop("valid")}


class TrainingRun:
    """A training in progress: the data, the model and all that a step changes."""

    def __init__(
        self,
        recipe: Recipe,
        device: torch.device,
        start_from: Path | str | None = None,
        world: World | None = None,
        sharded: bool = False,
    ) -> None:
        """Read the data and make the model.  start_from: a model whose weights and tokenizer are taken.

        world: the processes that train together; this one alone by default.  sharded: each of them keeps a part of
        every weight.  Raises ConfigError where they have other data.
        """
        self.recipe = recipe
        self.device = device
        self.world = world or World()
        check_precision(recipe.train.precision, device)
        start = None if start_from is None else read_start(Path(start_from), recipe)
        self.started_from = None if start is None else start.file
        self.task = read_task(recipe, device, None if start is None else start.checkpoint.tokenizer)
        config = recipe.train
        torch.manual_seed(config.seed)
        with memory_for("the model and its random matrices", "lower its sizes or pool_size"):
            model = self.task.build_model()
            if start is not None:
                start.give_weights(model)
            self.model = model.to(device)
            self.place = spread(self.model, self.world, sharded)
            self.pools = MatrixPools(self.model, device)
        self.sharded = sharded
        self.pool_rng = torch.Generator().manual_seed(config.seed + 1)
        self.optimizer = build_optimizer(self.model, config)
        # float16 gradients underflow without a scaled loss; bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "float16")
        self.world.agree_on("text, model or settings", self.task.text + self.fingerprint(recipe))
        self.done = 0
        self.valid: float | None = None
        """The task's figure, as last measured."""
        self.replaces: str | None = None
        """sha256 of the model that this run wrote when it last came to an end."""

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def batch_tokens(self) -> int:
        """Tokens of a batch, as the mean of the first few."""
        return sum(map(self.task.tokens, range(FIRST_FEW))) // FIRST_FEW

    def steps(self) -> Iterator[StepReport]:
        """Train to the recipe's end, one report per step.

        Raises TrainingError where the run diverges, ConfigError where memory runs out.
        """
        config = self.recipe.train
        while self.done < config.steps:
            started = time.perf_counter()
            with memory_for("a training step", "lower the batch's size, and raise accumulate to make up for it"):
                loss, norm, tokens = self.step()
            self.done += 1
            seconds = time.perf_counter() - started
            evaluated = None
            if self.done % config.evaluate_every == 0 or self.done == config.steps:
                evaluated = self.evaluate()
            rate = learning_rate(self.done - 1, config)
            yield StepReport(self.done, loss, rate, norm, tokens / seconds, evaluated)

    def step(self) -> tuple[float, float, int]:
        """One optimizer step.  Returns the loss, the gradient's norm before clipping, and the tokens read.

        Raises TrainingError, and leaves the weights as they are, where one of the first two is not finite.
        """
        config = self.recipe.train
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.done, config)
        if self.task.other_matrices:
            self.pools.resample(self.pool_rng)
        if self.world.size > 1:
            torch.manual_seed(config.seed + self.done * self.world.size + self.world.rank)  # dropout's own in each
        total, tokens = self.gradients()
        self.scaler.unscale_(self.optimizer)
        norm = whole(nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)).item()
        check_finite(self.done + 1, config, loss=total)
        if not self.scaler.is_enabled():  # it would leave such a step out, and go on with a lower scale
            check_finite(self.done + 1, config, gradient_norm=norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total, norm, tokens

    def gradients(self) -> tuple[float, int]:
        """Read the batches of the next step, in all processes.  Returns the loss, and the tokens read."""
        world = self.world
        total = 0.0
        tokens = 0
        weights = self.weights()
        last = weights[-1][0]
        for index, weight in weights:
            with adding_up(self.place, last=index == last):
                loss, read = self.place(partial(self.task.loss, index=index, share=world.share))
                loss = loss * weight
                self.scaler.scale(loss * world.size).backward()  # of all processes' gradients the mean is taken
            total += loss.item()
            if weight:
                tokens += read
        total, tokens_of_all = world.add_up([total, tokens])
        return total, int(tokens_of_all)

    def weights(self) -> list[tuple[int, float]]:
        """The batches of the next step, and the part of its targets that this process has of each.

        So the means of all batches and processes make one mean.
        """
        count = self.recipe.train.accumulate
        parts = range(self.done * count, (self.done + 1) * count)
        targets = sum(map(self.task.targets, parts))
        return [(index, self.task.targets(index, self.world.share) / targets) for index in parts]

    def evaluate(self) -> float:
        """Measure on the validation data.  Raises TrainingError where the figure is not finite."""
        share = self.measured_share
        with torch.no_grad():
            measured = self.place(partial(self.task.measure, share=share))
        if share.of > 1:
            total, items = self.world.add_up(measured)
            measured = Measured(total, int(items))
        self.valid = self.task.figure(measured)
        check_finite(self.done, self.recipe.train, **{f"validation_{self.task.metric}": self.valid})
        return self.valid

    @property
    def measured_share(self) -> Share:
        """What this process measures of the validation data.

        A forward pass through weights that lie in several processes is work for all of them, and their shares may have
        unlike numbers of batches: so all of them measure all.
        """
        return WHOLE if self.sharded else self.world.share

    def save(self, path: Path) -> None:
        """Write all that `restore` needs, whole or not at all.

        Raises TrainingError, and leaves the old file, where the weights are not finite; OSError where it cannot write.
        """
        check_weights(self.done, self.recipe.train, self.model)
        state = self.state()
        if self.world.leads:
            write_resume_point(path, self.fingerprint(self.recipe), self.task.text, state)

    def restore(self, path: Path) -> None:
        """Go on from a resume file.  Raises CheckpointError where it is damaged or of another recipe or text."""
        self.take_over(path, self.recipe)

    def restore_finished(self, path: Path) -> None:
        """Go on from what `save` wrote at the end of a run with fewer steps.

        From here on every step has the learning rate that it has in a run of all steps.
        Raises CheckpointError where the file is damaged, or of another recipe or text.
        """
        train = replace(self.recipe.train, steps=read_progress(path).done)
        self.take_over(path, replace(self.recipe, train=train))

    def take_over(self, path: Path, recipe: Recipe) -> None:
        """Read the state of a run with this recipe.  Raises as `restore` does."""
        state = read_resume_point(path, self.fingerprint(recipe), self.task.text, self.task.metric)
        try:
            self.load_state(state)
            check_weights(self.done, self.recipe.train, self.model)
        except Exception as error:  # a state that does not fit surfaces as RuntimeError, KeyError, ValueError, ...
            raise damaged(path, f"it does not fit the run ({one_line(error)})") from error

    def fingerprint(self, recipe: Recipe) -> str:
        """Equal for the same recipe, begun from the same weights."""
        return recipe_fingerprint(recipe, None if self.started_from is None else self.started_from.sha256)

    def state(self) -> dict[str, Any]:
        """All that changes from step to step, the same in any number of processes."""
        return self.task_state() | {
            "done": self.done,
            f"valid_{self.task.metric}": self.valid,
            "replaces": self.replaces,
            "model": whole(self.model.state_dict()),
            "optimizer": whole(self.optimizer.state_dict()),
            "scaler": self.scaler.state_dict(),
            "pool_rng": self.pool_rng.get_state(),
            "torch_rng": torch.get_rng_state(),
            "device_rng": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
        }

    def task_state(self) -> dict[str, Any]:
        """The task's state, put together from all processes."""
        found: dict[str, Any] = {}
        for name, rows in self.task.state(self.world.share).items():
            found[name] = None if rows is None else list(map(self.world.add_up_tensor, rows))
        return found

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave.  Raises whatever torch does, or ValueError, where it does not fit."""
        if not 0 <= state["done"] <= self.recipe.train.steps:
            raise ValueError(f"{state['done']} steps done")
        self.done = state["done"]
        self.valid = state[f"valid_{self.task.metric}"]
        self.replaces = state["replaces"]
        give_weights(self.model, state["model"])
        give_moments(self.optimizer, state["optimizer"])
        check_moments(self.optimizer)
        self.scaler.load_state_dict(state["scaler"])
        self.task.load_state(state, self.model, self.world.share)
        self.pool_rng.set_state(state["pool_rng"])
        torch.set_rng_state(state["torch_rng"])
        if state["device_rng"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["device_rng"])

    def checkpoint(self) -> Checkpoint:
        """The model as it stands, in evaluation mode, with what is known of its training."""
        facts: dict[str, Any] = {
            "steps": self.done,
            f"valid_{self.task.metric}": self.valid,
            "torch": str(torch.__version__),
            "recipe": asdict(self.recipe.train),
        }
        if self.started_from is not None:
            facts["started_from"] = self.started_from.name
        task = self.task
        return Checkpoint(
            self.whole_model().eval(), task.tokenizer, task.segment_length, facts, task.special_ids, task.sampling
        )

    def whole_model(self) -> Model:
        """The model with all of its weights.  All processes must call this."""
        if not self.sharded:
            return self.model
        weights = whole(self.model.state_dict())
        with torch.random.fork_rng(devices=[]):
            model = self.task.build_model()
        model.load_state_dict(weights)
        return model
