"""Read the sources of a translator: from token ids to what its decoder keeps of them.

Letters: B rows, M source tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.interface import ENCODER
from rfa_runtime.bundle.manifest import of_kind
from rfa_runtime.errors import StateError
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.padding import at, similar
from rfa_runtime.session.state_arrays import Arrays
from rfa_runtime.session.whole import WholeGraph

MAX_PAIRS = 1 << 24
"""Of tokens that attend to each other in one batch, unless one source has more by itself.

An encoder with softmax may keep a number for each pair in every head.  A source of 4096 tokens, which has as many, uses
all cores by itself."""


class Encoder(OwnProcess):
    """A loaded encoder.  It holds no source: many threads may use it at once."""

    def __init__(
        self,
        bundle: Bundle | Path | str,
        threads: int | None = None,
        provider: str = "cpu",
        huge_pages: bool = True,
    ) -> None:
        """Load the encoder of a bundle.  threads, provider, huge_pages: as for StepSession."""
        bundle = opened(bundle)
        self.vocab_size = bundle.manifest.vocab_size
        outputs = [spec.present for spec in of_kind(bundle.manifest.state, "cross")]
        self._graph = WholeGraph(bundle, ENCODER, outputs, threads, provider, huge_pages)

    def encode(self, sources: list[list[int]]) -> Arrays:
        """Read B sources of any lengths at once.  Returns the tensors that `StepSession.new_state` takes as `cross`.

        Raises StateError for a source without tokens or with ids outside the vocabulary.
        """
        self.check_process()
        self._check_ids(sources)
        return self._graph.run(sources)

    def _check_ids(self, sources: list[list[int]]) -> None:
        if not sources or not all(sources):
            raise StateError(f"{len(sources)} source(s) came, some without tokens: wanted one token or more in each")
        lowest = min(map(min, sources))
        highest = max(map(max, sources))
        if lowest < 0 or highest >= self.vocab_size:
            raise StateError(f"source ids are from {lowest} to {highest}, wanted 0 to {self.vocab_size - 1}")


def batches(sources: list[list[int]]) -> Iterator[list[list[int]]]:
    """Cut sources, the longest first, into batches of like length that an encoder can read at once."""
    lengths = [(len(source),) for source in sources]
    for group in similar(lengths):  # keeps such an order
        rows = max(1, MAX_PAIRS // len(sources[group[0]]) ** 2)
        for start in range(0, len(group), rows):
            yield at(sources, group[start : start + rows])
