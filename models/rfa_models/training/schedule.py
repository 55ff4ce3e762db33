"""The learning rate of every step: linear warm-up, then half a cosine, or one over the root of the step."""

import math

from rfa_models.recipes.train_config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate of a step counted from 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "inverse-sqrt":  # [Vaswani et al. 2017, section 5.3]
        return config.learning_rate * math.sqrt(max(1, config.warmup_steps) / (step + 1))
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    span = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
