"""The learning rate of every step: linear warm-up, then half a cosine."""

import math

from rfa_models.recipe import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate of a step counted from 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    span = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
