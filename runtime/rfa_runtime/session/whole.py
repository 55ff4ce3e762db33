"""A graph that reads whole texts in one call: the encoder of a translator, or a classifier.

Letters: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import ATTENTION_MASK, INPUT_IDS, PAIR, POSITION_IDS, TEXT_INPUTS
from rfa_runtime.session.ort import check_graph, check_known, open_session, run_error
from rfa_runtime.session.padding import pad


class WholeGraph:
    """A loaded graph of a bundle.  It holds no text: many threads may use it at once."""

    def __init__(
        self,
        bundle: Bundle,
        role: str,
        outputs: Sequence[str],
        threads: int | None = None,
        provider: str = "cpu",
        huge_pages: bool = True,
    ) -> None:
        """Load the graph of a role.  outputs: all that it must give.  The rest is as for StepSession.

        Raises SessionError where graph, manifest and this runtime do not agree.
        """
        self.spec = bundle.graph(role)
        self.outputs = list(outputs)
        self.takes_pairs = PAIR + INPUT_IDS in self.spec.inputs
        """Whether it reads pairs of texts."""
        self._session = open_session(
            bundle.path / self.spec.file,
            threads,
            provider,
            long_inputs=True,
            huge_pages=huge_pages,
            weights=bundle.weights_elsewhere(self.spec.file),
        )
        self._check_interface()

    def run(self, *texts: Sequence[list[int]]) -> dict[str, np.ndarray]:
        """Read B texts of any lengths at once.  texts: the ids of each; a second list where they are pairs.

        Returns the outputs by name.
        """
        given: dict[str, np.ndarray] = {}
        for prefix, rows in zip(self._prefixes(), texts, strict=True):
            given |= text_inputs(rows, prefix)
        wanted = {name: given[name] for name in self.spec.inputs}
        try:
            found = self._session.run(self.outputs, wanted)
        except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
            raise run_error(self.spec.file, error) from error
        return dict(zip(self.outputs, found, strict=True))

    def _prefixes(self) -> tuple[str, ...]:
        """Begin the names of the inputs of each text of a row."""
        return ("", PAIR) if self.takes_pairs else ("",)

    def _check_interface(self) -> None:
        """Hold the graph to what the manifest says of it, and both to what this runtime gives."""
        file = self.spec.file
        known = [*TEXT_INPUTS]
        if self.takes_pairs:
            known += [PAIR + name for name in TEXT_INPUTS]
        for prefix in self._prefixes():
            check_known(file, "inputs", self.spec.inputs, prefix + INPUT_IDS, known)
        check_graph(self._session, file, self.spec.inputs, self.outputs)


def text_inputs(rows: Sequence[list[int]], prefix: str = "") -> dict[str, np.ndarray]:
    """What a graph may ask for of B texts, each int64 [B, T].  prefix: begins the names."""
    ids, mask = pad(rows)
    positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
    return {prefix + INPUT_IDS: ids, prefix + ATTENTION_MASK: mask, prefix + POSITION_IDS: positions}
