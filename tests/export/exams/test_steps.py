"""A text comes to the runtime as a prompt in pieces, then token by token."""

from __future__ import annotations

import numpy as np

from rfa_export.exams.steps import split_points


def test_the_prefill_is_cut_differently_for_every_seed() -> None:
    points = {tuple(split_points(np.random.default_rng(seed), 512)) for seed in range(5)}
    assert len(points) == 5
    for ends in points:
        assert list(ends) == sorted(set(ends))
        assert ends[4:] == tuple(range(65, 577))
