"""Times a translation."""

from __future__ import annotations

import time

from rfa_runtime.decoding.search_config import Hypothesis, Translation
from rfa_runtime.memory import peak_rss_bytes


class Clock:
    """When a call began, and when its first and its last token were there."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.first = self.last = 0.0

    def tick(self) -> None:
        """Take note that a token is there."""
        self.last = time.perf_counter()
        self.first = self.first or self.last

    def finish(self, n_best: list[Hypothesis], source_tokens: int, state_bytes: int) -> Translation:
        """Return what was found for a source whose last token has just come."""
        best, count, seconds = n_best[0], len(n_best[0].token_ids), self.last - self.first
        return Translation(
            token_ids=best.token_ids,
            text=best.text,
            finish_reason=best.finish_reason,
            prompt_tokens=source_tokens,
            completion_tokens=count,
            ttft_s=self.first - self.started,
            tokens_per_s=(count - 1) / seconds if seconds else 0.0,
            state_bytes=state_bytes,
            peak_rss_bytes=peak_rss_bytes(),
            score=best.score,
            n_best=n_best,
        )
