"""One step of training, of RFA with and without the gate, and of their softmax twin."""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor, nn

from rfa_bench.subjects.shapes import TRAINED, softmax_language_model
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.recipes.train_config import TrainConfig
from rfa_models.tasks.autocast import autocast
from rfa_models.tasks.language import next_token_loss
from rfa_models.training.optimizer import build_optimizer

CPU = torch.device("cpu")


class TrainingStep:
    """A model of random weights, and all that `rfa-train` does in a step."""

    def __init__(self, size: str, system: str, precision: str, compiled: bool) -> None:
        """system: softmax, rfa or rfa-gate.  precision: as in a recipe.  compiled: by torch.compile."""
        torch.manual_seed(0)
        self.config = TrainConfig(precision=precision)  # type: ignore[arg-type]
        self.model = LanguageModel(config_of(size, system)).train()
        self.optimizer = build_optimizer(self.model, self.config)
        if compiled:
            self.model.compile(dynamic=False)

    def time(self, length: int) -> float:
        """Seconds of a step on one text of `length` tokens: forward, loss, backward, clipping, AdamW."""
        ids = torch.randint(0, self.model.config.vocab_size, (1, length + 1))
        started = time.perf_counter()
        self.step(ids)
        return time.perf_counter() - started

    def step(self, ids: Tensor) -> None:
        """Learn to predict each token of a text from those before.  ids: [1, T + 1]."""
        with autocast(self.config.precision, CPU):
            logits = self.model(ids[:, :-1])
        next_token_loss(logits, ids[:, 1:]).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def config_of(size: str, system: str) -> ModelConfig:
    """The shape of a name with the attention of a system."""
    config = TRAINED[size]
    if system == "softmax":
        return softmax_language_model(config)
    return replace(config, attention=replace(config.attention, gate=system == "rfa-gate"))
