"""What a bundle holds: graphs, operators, bytes, state, and what was verified of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx_ir as ir
import onnxruntime

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import GraphSpec
from rfa_runtime.errors import BundleError, SessionError
from rfa_runtime.session.ort import PROVIDERS, one_line, open_session

ONNX = ".onnx"


@dataclass(frozen=True)
class GraphFacts:
    """One graph of a bundle; what is no ONNX file has its name and inputs alone."""

    role: str
    file: str
    target: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    """Both without the states."""
    opsets: dict[str, int]
    operators: dict[str, int]
    """How many nodes of each kind, the most frequent first; with its domain where that is not ONNX's own."""
    parameters: int
    """Numbers in its weights; where those are quantized, scales included and packed numbers counted singly."""
    providers: dict[str, str]
    """By execution provider of ONNX Runtime: `runs`, or why not.  Those that this installation lacks are left out."""


@dataclass(frozen=True)
class Inspection:
    """Everything; the names are the contract of `rfa-inspect --json`."""

    bundle: str
    task: str
    producer: str
    vocab_size: int
    graphs: tuple[GraphFacts, ...]
    bytes: dict[str, int]
    """By file."""
    weight_bytes: dict[str, int]
    """Of the weights that all graphs share, by the type of their numbers."""
    state_bytes: int
    """Of one stream, whatever it has read; of a cache, for each token of it."""
    states: dict[str, str]
    """By the name of the past input: type and shape."""
    parity: dict[str, Any]
    """The exporter's report."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def inspect_bundle(bundle: Bundle) -> Inspection:
    """Look at a bundle that was read and checked."""
    manifest = bundle.manifest
    weights: dict[str, tuple[str, int]] = {}
    graphs = tuple(graph_facts(bundle.path, role, spec, weights) for role, spec in manifest.graphs.items())
    by_type: Counter[str] = Counter()
    for kind, size in weights.values():
        by_type[kind] += size
    carried = [state for state in manifest.state if state.kind != "cross"]
    return Inspection(
        bundle=bundle.path.name,
        task=manifest.task,
        producer=manifest.producer,
        vocab_size=manifest.vocab_size,
        graphs=graphs,
        bytes={name: entry.bytes for name, entry in manifest.files.items()},
        weight_bytes=dict(by_type),
        state_bytes=sum(state.row_bytes() for state in carried),
        states={state.past: f"{state.dtype} {list(state.shape)}" for state in manifest.state},
        parity=dict(manifest.parity),
    )


def graph_facts(folder: Path, role: str, spec: GraphSpec, weights: dict[str, tuple[str, int]]) -> GraphFacts:
    """One graph.  weights: gathers type and size of each place in the shared file, once."""
    if not spec.file.endswith(ONNX):
        return GraphFacts(role, spec.file, spec.target, spec.inputs, spec.outputs, {}, {}, 0, {})
    try:
        model = ir.load(folder / spec.file)
    except Exception as error:  # protobuf and onnx_ir raise many kinds
        raise BundleError(f"{spec.file} is no ONNX graph: {one_line(error)}") from error
    counts = Counter(f"{node.domain}::{node.op_type}" if node.domain else node.op_type for node in model.graph)
    parameters = 0
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if isinstance(tensor, ir.ExternalTensor):
            weights[f"{tensor.location}:{tensor.offset}"] = str(tensor.dtype), tensor.nbytes
            parameters += tensor.size
    return GraphFacts(
        role=role,
        file=spec.file,
        target=spec.target,
        inputs=spec.inputs,
        outputs=spec.outputs,
        opsets={domain or "ai.onnx": version for domain, version in model.opset_imports.items()},
        operators=dict(counts.most_common()),
        parameters=parameters,
        providers=providers_of(folder / spec.file),
    )


def providers_of(file: Path) -> dict[str, str]:
    """Which of the execution providers that are here load a graph."""
    available, found = onnxruntime.get_available_providers(), {}
    for name, provider in PROVIDERS.items():
        if provider in available:
            try:
                open_session(file, 1, name)
                found[name] = "runs"
            except SessionError as error:
                found[name] = str(error)
    return found
