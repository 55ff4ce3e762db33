"""A graph of a bundle that is loaded and held to its manifest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import INPUT_IDS, LOGITS, STEP_INPUTS, TOP_LOGIT, TOP_TOKEN
from rfa_runtime.bundle.manifest import GraphSpec
from rfa_runtime.session.ort import Session, check_graph, check_known, open_session

KNOWN_OUTPUTS = {LOGITS: np.float32, TOP_LOGIT: np.float32, TOP_TOKEN: np.int64}
"""Of steps, states left out."""


@dataclass(frozen=True)
class LoadedGraph:
    """What runs steps, and what the manifest says of it."""

    spec: GraphSpec
    session: Session


def load_step_graph(
    bundle: Bundle, role: str, threads: int | None, provider: str, huge_pages: bool = True
) -> LoadedGraph:
    """Load the graph of a role, which takes steps.  Arguments as for StepSession.

    Raises BundleError where the bundle has no such graph, SessionError where it does not run or does not fit.
    """
    spec = bundle.graph(role)
    elsewhere = bundle.weights_elsewhere(spec.file)
    file = bundle.path / spec.file
    session = open_session(file, threads, provider, huge_pages=huge_pages, weights=elsewhere)
    check_known(spec.file, "inputs", spec.inputs, INPUT_IDS, STEP_INPUTS)
    check_known(spec.file, "outputs", spec.outputs, LOGITS, KNOWN_OUTPUTS)
    inputs = [*spec.inputs]
    outputs = [*spec.outputs]
    for state in bundle.manifest.state:
        inputs.append(state.past)
        if state.kind != "cross":
            outputs.append(state.present)
    check_graph(session, spec.file, inputs, outputs)
    return LoadedGraph(spec, session)
