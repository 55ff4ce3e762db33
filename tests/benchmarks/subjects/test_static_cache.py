"""A cache in one buffer gives what a cache gives that grows."""

from __future__ import annotations

import torch

from rfa_bench.subjects.language_twins import random_checkpoint
from rfa_bench.subjects.shapes import SIZES, softmax_language_model
from rfa_bench.subjects.static_cache import StaticCacheModel
from rfa_models.networks.language_model import LanguageModel


@torch.inference_mode()
def test_prompt_and_steps_are_those_of_the_model() -> None:
    model = random_checkpoint(softmax_language_model(SIZES["tiny"])).model
    assert isinstance(model, LanguageModel)
    static = StaticCacheModel(model)
    ids = torch.randint(0, 512, (2, 12), generator=torch.Generator().manual_seed(0))
    wanted = model(ids)
    caches = static.new_caches(batch=2, room=20)
    found = [static.step(ids[:, :8], torch.arange(8), caches)]
    for place in range(8, 12):
        found.append(static.step(ids[:, place : place + 1], torch.tensor([place]), caches))
    torch.testing.assert_close(torch.stack(found, 1), wanted[:, 7:])
