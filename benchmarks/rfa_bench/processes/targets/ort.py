"""A probe that decodes with our own runtime, which binds a state's past and present to one buffer."""

from __future__ import annotations

from rfa_bench.processes.targets.probe import Step, measure
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import MODEL, role_in_bundle
from rfa_runtime.session.step import StepSession


def load(bundle: Bundle, target: str, threads: int, provider: str) -> Step:
    """A step of the graph of ONNX Runtime's own target, or of another target that ONNX Runtime reads."""
    session = StepSession(bundle, threads, provider, graph=role_in_bundle(MODEL, target))
    state = session.new_state()
    return lambda token: session.step_token(token, state)


if __name__ == "__main__":
    measure("onnxruntime", load)
