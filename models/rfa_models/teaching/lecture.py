"""Teaching in progress: two stages, one optimizer step after the other, resumable at any time.

stage 1   each layer's attention beside the teacher's, with what the teacher's reads
stage 2   the next token beside the teacher's; all weights learn
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rfa_models.errors import TrainingError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.tasks.autocast import autocast
from rfa_models.teaching.lessons import layers_loss, logits_loss
from rfa_models.teaching.student import new_parameters, other_parameters, query_and_key_parameters
from rfa_models.teaching.student_config import TeachingConfig

LAYERS = 1
LOGITS = 2
QUERIES_AND_KEYS = 0.1
"""Of the rate of stage 1, what queries and keys take: they were learned before."""
NEW = 2.0
"""Times the rate of stage 2, what the teacher has not."""
RATE_TIMES_WIDTH = 0.032
"""Learning rate of the second stage times the width of the model.  With four times that a student first forgets what
it has learned layer by layer."""
NEAR_RATE_TIMES_WIDTH = 0.0064
"""The same with a window, whose student is so near to its teacher after the first stage that it has more to lose."""
CLIP = 1.0
"""Largest norm of a gradient."""
BETAS = (0.9, 0.98)
LAST_RATE = 0.02
"""Part of the rate that is left at a stage's end."""
SECONDS = 60.0


@dataclass(frozen=True)
class Lesson:
    """What one step showed."""

    step: int
    """Steps done, this one included."""
    stage: int
    loss: float
    """Of stage 1 a part of a variance, of stage 2 nats a token."""
    tokens: int
    """Read so far."""
    share: float
    """Of the whole lecture that is over."""


class Lecture:
    """All that changes from step to step."""

    def __init__(
        self, student: LanguageModel, teacher: LanguageModel, texts: Tensor, config: TeachingConfig, seed: int
    ) -> None:
        """texts: int [rows, T + 1], on any device."""
        self.student = student
        self.teacher = teacher.eval()
        self.texts = texts
        self.config = config
        self.seed = seed
        near = student.config.attention.window > 0
        usual = NEAR_RATE_TIMES_WIDTH if near else RATE_TIMES_WIDTH
        self.rate = config.learning_rate or usual / student.config.width
        """Full learning rate of the second stage, of what the teacher has too."""
        self.done = 0
        self.seconds = 0.0
        """That all steps took."""
        self.stage = 0
        self.stage_steps = 0
        """Steps of this stage so far."""
        self.optimizer: torch.optim.Optimizer | None = None

    @property
    def tokens(self) -> int:
        """Read so far."""
        return self.done * self.step_tokens

    @property
    def batch_size(self) -> int:
        """Texts of a step: no more than there are."""
        return min(self.config.batch_size, len(self.texts))

    @property
    def step_tokens(self) -> int:
        """Tokens of a step."""
        return self.batch_size * self.config.length

    @property
    def share(self) -> float:
        """How much of the lecture is over, by tokens or by time, whatever ends it earlier."""
        steps = self.config.tokens // self.step_tokens
        of_tokens = self.done / steps if steps else 1.0
        if self.config.minutes is None:
            return of_tokens
        return max(of_tokens, self.seconds / (self.config.minutes * SECONDS))

    def lessons(self) -> Iterator[Lesson]:
        """Teach to the end.  Raises TrainingError where the student diverges."""
        while self.share < 1.0:
            started = time.perf_counter()
            wanted = LAYERS if self.share < self.config.first_share else LOGITS
            self.enter(max(self.stage, wanted))  # more minutes than before do not lead back
            loss = self.step()
            self.done += 1
            self.stage_steps += 1
            self.seconds += time.perf_counter() - started
            yield Lesson(self.done, self.stage, loss, self.tokens, min(1.0, self.share))

    def enter(self, stage: int) -> None:
        """Begin a stage, if it is not the one at hand: each has an optimizer of its own."""
        if stage == self.stage:
            return
        self.stage = stage
        self.stage_steps = 0
        self.optimizer = self.new_optimizer()

    def new_optimizer(self) -> torch.optim.Optimizer:
        """Of the stage at hand.  Each group has its full rate under `rate`."""
        config = self.config
        own = new_parameters(self.student)
        if self.stage == LAYERS:
            rest = query_and_key_parameters(self.student)
            rates = (config.layer_rate, QUERIES_AND_KEYS * config.layer_rate)
        else:
            rest = other_parameters(self.student)
            rates = (NEW * self.rate, self.rate)
        groups = []
        for parameters, rate in zip((own, rest), rates, strict=True):
            if parameters:
                groups.append({"params": parameters, "rate": rate})
        return torch.optim.AdamW(groups, lr=self.rate, betas=BETAS, weight_decay=0.0)

    def step(self) -> float:
        """One optimizer step.  Returns the loss.  Raises TrainingError where it is not finite."""
        assert self.optimizer is not None
        self.student.train()
        factor = self.rate_factor()
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * factor
        ids = self.batch()[:, :-1]
        ask = layers_loss if self.stage == LAYERS else logits_loss
        with autocast(self.config.precision, ids.device):
            loss = ask(self.student, self.teacher, ids, self.positions(ids))
        loss.backward()
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        norm = nn.utils.clip_grad_norm_(parameters, CLIP)
        found = loss.item()
        if not math.isfinite(found) or not math.isfinite(norm.item()):
            raise TrainingError(
                f"step {self.done + 1}: the loss is {found}, its gradient's norm {norm.item()}: the student has "
                f"diverged: lower the learning rate (now {self.rate:g}) and start again"
            )
        self.optimizer.step()
        self.student.zero_grad(set_to_none=True)
        return found

    def rate_factor(self) -> float:
        """The part of the full rate: up in a line, then half a cosine to the stage's end."""
        first = self.config.first_share
        start, end = (0.0, first) if self.stage == LAYERS else (first, 1.0)
        passed = min(1.0, max(0.0, (self.share - start) / (end - start)))
        warm = min(1.0, (self.stage_steps + 1) / self.config.warmup_steps)
        return warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * passed)))

    def batch(self) -> Tensor:
        """The texts of the next step, int64 [B, T + 1]: all once in an order of the seed's, then in another order."""
        rows = len(self.texts)
        size = self.batch_size
        in_a_round = rows // size
        rng = torch.Generator().manual_seed(self.seed * 1_000 + self.done // in_a_round)
        order = torch.randperm(rows, generator=rng)
        place = self.done % in_a_round * size
        device = next(self.student.parameters()).device
        return self.texts[order[place : place + size]].long().to(device)

    def positions(self, ids: Tensor) -> Tensor:
        """Positions of the texts of a step, int64 [B, T].

        Each text begins somewhere else where the teacher sees distances alone: the student's features have directions
        of their own, and it has to learn that a text goes on beyond the length of a lesson.
        """
        rows, length = ids.shape
        counted = torch.arange(length, device=ids.device).expand(rows, length)
        if not self.config.farthest_start:
            return counted
        rng = torch.Generator().manual_seed(self.seed * 1_000_003 + self.done)
        starts = torch.randint(0, self.config.farthest_start, (rows, 1), generator=rng)
        return counted + starts.to(ids.device)

    def state(self) -> dict[str, Any]:
        """All that `load_state` needs, once a step is done."""
        assert self.optimizer is not None
        return {
            "done": self.done,
            "seconds": self.seconds,
            "stage": self.stage,
            "stage_steps": self.stage_steps,
            "model": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave.  Raises whatever torch does where it does not fit."""
        self.student.load_state_dict(state["model"])
        self.done = state["done"]
        self.seconds = state["seconds"]
        self.stage = state["stage"]
        self.stage_steps = state["stage_steps"]
        self.optimizer = self.new_optimizer()
        self.optimizer.load_state_dict(state["optimizer"])
