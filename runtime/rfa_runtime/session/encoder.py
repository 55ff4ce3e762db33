"""Read the sources of a translator: from token ids to what its decoder keeps of them.

Letters: B rows, M source tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OptionError, SessionError, StateError
from rfa_runtime.session.ort import one_line, open_session
from rfa_runtime.session.padding import pad, similar
from rfa_runtime.session.state_arrays import Arrays

ROLE = "encoder"
INPUT_IDS, ATTENTION_MASK, POSITION_IDS = "input_ids", "attention_mask", "position_ids"
KNOWN_INPUTS = (INPUT_IDS, ATTENTION_MASK, POSITION_IDS)
MAX_PAIRS = 1 << 24
"""Of tokens that attend to each other in one batch, unless one source alone has more.  An encoder with softmax may keep
a number for each pair in every head; at 4096 tokens a source, which is as many, uses all cores by itself."""


class Encoder:
    """A loaded encoder.  It holds no source: many threads may use it at once."""

    def __init__(self, bundle: Bundle, threads: int | None = None, provider: str = "cpu") -> None:
        """Load the encoder of a bundle.  threads, provider: as for StepSession."""
        if threads is not None and threads < 1:
            raise OptionError(f"threads is {threads}, wanted at least 1")
        self.graph = bundle.graph(ROLE)
        self.vocab_size = bundle.manifest.vocab_size
        self._outputs = [spec.present for spec in bundle.manifest.state if spec.kind == "cross"]
        self._session = open_session(bundle.path / self.graph.file, threads, provider, long_inputs=True)
        self._check_interface()

    def encode(self, sources: list[list[int]]) -> Arrays:
        """Read B sources of any lengths at once.  Returns the tensors that `StepSession.new_state` takes as `cross`.

        Raises StateError for a source without tokens or with ids outside the vocabulary.
        """
        self._check_ids(sources)
        ids, mask = pad(sources)
        positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        available = dict(zip(KNOWN_INPUTS, (ids, mask, positions), strict=True))
        try:
            found = self._session.run(self._outputs, {name: available[name] for name in self.graph.inputs})
        except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
            raise SessionError(f"ONNX Runtime failed in {self.graph.file}: {one_line(error)}") from error
        return dict(zip(self._outputs, found, strict=True))

    def _check_ids(self, sources: list[list[int]]) -> None:
        if not sources or not all(sources):
            raise StateError(f"{len(sources)} source(s) came, some without tokens: wanted one token or more in each")
        lowest, highest = min(map(min, sources)), max(map(max, sources))
        if lowest < 0 or highest >= self.vocab_size:
            raise StateError(f"source ids are from {lowest} to {highest}, wanted 0 to {self.vocab_size - 1}")

    def _check_interface(self) -> None:
        """Hold the graph to what the manifest says of it."""
        inputs = {value.name for value in self._session.get_inputs()}
        outputs = {value.name for value in self._session.get_outputs()}
        wanted = set(self.graph.inputs), set(self._outputs)
        if not wanted[0] <= set(KNOWN_INPUTS) or INPUT_IDS not in wanted[0] or (inputs, outputs) != wanted:
            difference = sorted((inputs ^ wanted[0]) | (outputs ^ wanted[1])) or sorted(wanted[0] - set(KNOWN_INPUTS))
            raise SessionError(
                f"{self.graph.file}, the manifest and this runtime disagree on {difference}: export the bundle again"
            )


def batches(sources: list[list[int]]) -> Iterator[list[list[int]]]:
    """Cut sources, the longest first, into batches of like length that an encoder can read at once."""
    for group in similar([(len(source),) for source in sources]):  # keeps such an order
        rows = max(1, MAX_PAIRS // len(sources[group[0]]) ** 2)
        for start in range(0, len(group), rows):
            yield [sources[row] for row in group[start : start + rows]]
