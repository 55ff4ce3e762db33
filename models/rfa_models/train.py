"""Training: from a recipe to a checkpoint, resumable at any time.

run = TrainingRun(recipe, device)        model, tokenizer, data and optimiser, all from the recipe's seed
run.restore(resume_file)                 optional: go on where a killed run stopped, to the same end result
for report in run.steps():               one optimiser step each
    run.save(resume_file)                whole or not at all
run.checkpoint()                         what `model.pt` holds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.checkpoint import Checkpoint
from rfa_models.data import SegmentBatches, encode, read_texts
from rfa_models.divergence import check_finite, check_weights
from rfa_models.evaluate import check_predictable, perplexity
from rfa_models.language_model import LanguageModel, resample_matrices
from rfa_models.memory import memory_for
from rfa_models.optimizer import build_optimizer, check_moments
from rfa_models.precision import autocast, check_precision
from rfa_models.random_matrices import draw_pool
from rfa_models.recipe import Recipe
from rfa_models.resume import damaged, read_resume_point, recipe_fingerprint, text_fingerprint, write_resume_point
from rfa_models.schedule import learning_rate
from rfa_models.tokenizer import train_tokenizer
from rfa_models.wording import one_line


@dataclass(frozen=True)
class StepReport:
    """What one step showed.  The log holds one of these a line."""

    step: int
    """Steps done, this one included."""
    loss: float
    """Mean negative log likelihood of the step's tokens, in nats."""
    learning_rate: float
    gradient_norm: float
    tokens_per_s: float
    valid_perplexity: float | None = None
    """Measured every `evaluate_every` steps and at the end."""


class TrainingRun:
    """A training in progress."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        check_precision(recipe.train, device)
        train_text, valid_text = read_texts(recipe.data)
        self.tokenizer = train_tokenizer(
            recipe.tokenizer.kind, train_text.splitlines(keepends=True), recipe.tokenizer.vocab_size
        )
        train_ids, self.valid_ids = encode(self.tokenizer, train_text), encode(self.tokenizer, valid_text)
        config = recipe.train
        self.batches = SegmentBatches(train_ids, config.batch_size, config.segment_length, config.seed)
        check_predictable(self.valid_ids, "the validation text")
        self.text = text_fingerprint(self.tokenizer, train_ids, self.valid_ids)
        torch.manual_seed(config.seed)
        with memory_for("the model and its random matrices", "lower its sizes or pool_size"):
            self.model = LanguageModel(recipe.model_config(self.tokenizer.get_vocab_size())).to(device)
            attention = self.model.config.attention
            self.pool = draw_pool(attention).to(device) if attention.kind == "rfa" else torch.empty(0)
        self.pool_rng = torch.Generator().manual_seed(config.seed + 1)
        self.optimizer = build_optimizer(self.model, config)
        # float16 gradients underflow without a scaled loss; bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "float16")
        self.done = 0
        self.valid_perplexity: float | None = None

    def steps(self) -> Iterator[StepReport]:
        """Train to the recipe's end, one report per step.

        Raises TrainingError where the run diverges, ConfigError where memory runs out.
        """
        config = self.recipe.train
        while self.done < config.steps:
            started = time.perf_counter()
            with memory_for("a training step", "lower batch_size, and raise accumulate to make up for it"):
                loss, norm = self.step()
            self.done += 1
            seconds = time.perf_counter() - started
            evaluated = None
            if self.done % config.evaluate_every == 0 or self.done == config.steps:
                evaluated = self.evaluate()
            tokens = config.batch_size * config.accumulate * config.segment_length
            rate = learning_rate(self.done - 1, config)
            yield StepReport(self.done, loss, rate, norm, tokens / seconds, evaluated)

    def step(self) -> tuple[float, float]:
        """One optimiser step.  Returns the loss and the gradient's norm before clipping.

        Raises TrainingError, and leaves the weights as they are, where one of these is not finite.
        """
        config = self.recipe.train
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.done, config)
        resample_matrices(self.model, self.pool, self.pool_rng)
        total = 0.0
        for part in range(config.accumulate):
            inputs, targets = (x.to(self.device) for x in self.batches(self.done * config.accumulate + part))
            loss = self.loss(inputs, targets) / config.accumulate
            self.scaler.scale(loss).backward()
            total += loss.item()
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip).item()
        check_finite(self.done + 1, config, loss=total)
        if not self.scaler.is_enabled():  # it would leave such a step out, and go on with a lower scale
            check_finite(self.done + 1, config, gradient_norm=norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total, norm

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log likelihood.  inputs, targets: int64 [B, T]."""
        with autocast(self.recipe.train, self.device):
            logits = self.model(inputs)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    def evaluate(self) -> float:
        """Measure the validation perplexity.  Raises TrainingError where it is not finite."""
        config = self.recipe.train
        value = perplexity(self.model, self.valid_ids, config.segment_length)
        check_finite(self.done, config, validation_perplexity=value)
        self.valid_perplexity = value
        return value

    def save(self, path: Path) -> None:
        """Write all that `restore` needs, whole or not at all.

        Raises TrainingError, and leaves the old file, where the weights are not finite; OSError where it cannot write.
        """
        check_weights(self.done, self.recipe.train, self.model)
        write_resume_point(path, recipe_fingerprint(self.recipe), self.text, self.state())

    def restore(self, path: Path) -> None:
        """Go on from a resume file.  Raises CheckpointError where it is damaged or of another recipe or text."""
        state = read_resume_point(path, recipe_fingerprint(self.recipe), self.text)
        try:
            self.load_state(state)
            check_weights(self.done, self.recipe.train, self.model)
        except Exception as error:  # a state that does not fit surfaces as RuntimeError, KeyError, ValueError, ...
            raise damaged(path, f"it does not fit the run ({one_line(error)})") from error

    def state(self) -> dict[str, Any]:
        """All that changes from step to step."""
        return {
            "done": self.done,
            "valid_perplexity": self.valid_perplexity,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "pool_rng": self.pool_rng.get_state(),
            "torch_rng": torch.get_rng_state(),
            "device_rng": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave.  Raises whatever torch does, or ValueError, where it does not fit."""
        if not 0 <= state["done"] <= self.recipe.train.steps:
            raise ValueError(f"{state['done']} steps done")
        self.done, self.valid_perplexity = state["done"], state["valid_perplexity"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        check_moments(self.optimizer)
        self.scaler.load_state_dict(state["scaler"])
        self.pool_rng.set_state(state["pool_rng"])
        torch.set_rng_state(state["torch_rng"])
        if state["device_rng"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["device_rng"])

    def checkpoint(self) -> Checkpoint:
        """The model as it stands, with what is known of its training."""
        facts: dict[str, Any] = {
            "steps": self.done,
            "valid_perplexity": self.valid_perplexity,
            "torch": str(torch.__version__),
            "recipe": asdict(self.recipe.train),
        }
        model = self.model.eval()
        return Checkpoint(model, self.tokenizer, self.recipe.train.segment_length, facts)
