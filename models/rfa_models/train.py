"""Training: from a recipe to a checkpoint, resumable at any time.

run = TrainingRun(recipe, device)        model, tokenizer, data and optimiser, all from the recipe's seed
run.restore(resume_file)                 optional: go on where a killed run stopped, to the same end result
for report in run.steps():               one optimiser step each
    run.save(resume_file)                whole or not at all
run.checkpoint()                         what `model.pt` holds
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.checkpoint import Checkpoint, read_tables, save_atomically
from rfa_models.data import SegmentBatches, encode, read_text, split_text
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.evaluate import perplexity
from rfa_models.language_model import LanguageModel, resample_matrices
from rfa_models.random_matrices import draw_pool
from rfa_models.recipe import Recipe, TrainConfig
from rfa_models.schedule import learning_rate
from rfa_models.tokenizer import train_tokenizer

RESUME_FORMAT = "rfa-training-run"


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
        train_text, valid_text = load_texts(recipe)
        self.tokenizer = train_tokenizer(
            recipe.tokenizer.kind, train_text.splitlines(keepends=True), recipe.tokenizer.vocab_size
        )
        train_ids, self.valid_ids = encode(self.tokenizer, train_text), encode(self.tokenizer, valid_text)
        config = recipe.train
        self.batches = SegmentBatches(train_ids, config.batch_size, config.segment_length, config.seed)
        torch.manual_seed(config.seed)
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
        """Train to the recipe's end, one report per step."""
        config = self.recipe.train
        self.model.train()
        while self.done < config.steps:
            started = time.perf_counter()
            loss, norm = self.step()
            self.done += 1
            seconds = time.perf_counter() - started
            evaluated = None
            if self.done % config.evaluate_every == 0 or self.done == config.steps:
                evaluated = self.valid_perplexity = perplexity(self.model, self.valid_ids, config.segment_length)
            tokens = config.batch_size * config.accumulate * config.segment_length
            rate = learning_rate(self.done - 1, config)
            yield StepReport(self.done, loss, rate, norm, tokens / seconds, evaluated)

    def step(self) -> tuple[float, float]:
        """One optimiser step.  Returns the loss and the gradient's norm before clipping."""
        config = self.recipe.train
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
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total, norm

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log likelihood.  inputs, targets: int64 [B, T]."""
        with autocast(self.recipe.train, self.device):
            logits = self.model(inputs)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    def save(self, path: Path) -> None:
        """Write all that `restore` needs, whole or not at all."""
        save_atomically(
            {
                "format": RESUME_FORMAT,
                "recipe": fingerprint(self.recipe),
                "done": self.done,
                "valid_perplexity": self.valid_perplexity,
                "tokenizer": self.tokenizer.to_str(),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "pool_rng": self.pool_rng.get_state(),
                "torch_rng": torch.get_rng_state(),
                "device_rng": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
            },
            path,
        )

    def restore(self, path: Path) -> None:
        """Go on from a resume file.  Raises CheckpointError where it is damaged or of another recipe."""
        table = read_tables(path, RESUME_FORMAT)
        if table.get("recipe") != fingerprint(self.recipe):
            raise CheckpointError(f"{path}: belongs to a run with other settings: restore the recipe, or use --restart")
        if table["tokenizer"] != self.tokenizer.to_str():
            raise CheckpointError(f"{path}: the training text has changed since: restore it, or use --restart")
        self.done, self.valid_perplexity = table["done"], table["valid_perplexity"]
        self.model.load_state_dict(table["model"])
        self.optimizer.load_state_dict(table["optimizer"])
        self.scaler.load_state_dict(table["scaler"])
        self.pool_rng.set_state(table["pool_rng"])
        torch.set_rng_state(table["torch_rng"])
        if table["device_rng"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(table["device_rng"])

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


def load_texts(recipe: Recipe) -> tuple[str, str]:
    """Training and validation text.  Raises DataError, or OSError as `open` does."""
    train = "".join(read_text(source) for source in recipe.data.train)
    if not recipe.data.valid:
        return split_text(train, recipe.data.valid_fraction)
    return train, "".join(read_text(source) for source in recipe.data.valid)


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; vectors such as biases, norms and sigma are not decayed."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, config.beta2))


def autocast(config: TrainConfig, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Run large products in the recipe's precision."""
    if config.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, config.precision))


def check_precision(config: TrainConfig, device: torch.device) -> None:
    """float16 needs loss scaling on CUDA.  Raises ConfigError elsewhere."""
    if config.precision == "float16" and device.type != "cuda":
        raise ConfigError("precision = 'float16' needs a CUDA device: use 'bfloat16' or 'float32' here")


def fingerprint(recipe: Recipe) -> str:
    """Equal for recipes that give the same run; how often it is measured and saved does not count."""
    table = asdict(recipe)
    for key in ("evaluate_every", "checkpoint_every"):
        del table["train"][key]
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
