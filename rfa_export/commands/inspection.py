"""What a bundle holds: graphs, operators, bytes, state, and what was verified of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import onnx_ir as ir
import onnxruntime

from rfa_export.tracing.quiet import quiet
from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.manifest import GraphSpec, StateSpec
from rfa_runtime.errors import BundleError, SessionError
from rfa_runtime.session.ort import PROVIDERS, open_session, shortened

ONNX = ".onnx"


@dataclass(frozen=True)
class GraphFacts:
    """One graph of a bundle.  Of a file that is no ONNX, only what the manifest says of it."""

    role: str
    file: str
    target: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    """Both without the states."""
    opsets: dict[str, int]
    operators: dict[str, int]
    """How many nodes of each kind, the most frequent first.  A kind has its domain where that is not ONNX's own."""
    parameters: int
    """Numbers in the weights.  Quantized weights count with their scales, and every packed number by itself."""
    providers: dict[str, str]
    """By execution provider of ONNX Runtime: `runs`, or why not.  Providers that are not installed are left out."""


@dataclass(frozen=True)
class Inspection:
    """What a bundle holds; the names are the contract of `rfa-inspect --json`."""

    bundle: str
    task: str
    producer: str
    vocab_size: int
    special_ids: dict[str, Any]
    """`bos` starts a text, `eos` and `other_ends` end it; null where the model has none."""
    sampling: dict[str, Any]
    """How tokens are chosen where nobody says it; empty: the most likely one."""
    notes: tuple[str, ...]
    """What the exporter left out, or a runtime cannot do."""
    graphs: tuple[GraphFacts, ...]
    bytes: dict[str, int]
    """By file."""
    weight_bytes: dict[str, int]
    """Of the weights that all graphs share, by the type of their numbers."""
    state_bytes: int
    """Of one stream, whatever it has read.  Of a model with a cache, for each token in the cache."""
    states: dict[str, str]
    """By the name of the past input: type and shape."""
    parity: dict[str, Any]
    """The exporter's report."""
    conversion: dict[str, Any]
    """Of a model that was made of another: how good it is beside that one."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def inspect_bundle(bundle: Bundle | Path | str) -> Inspection:
    """Look at a bundle.  Errors are those of `read_bundle`."""
    bundle = opened(bundle)
    manifest = bundle.manifest
    graphs: list[GraphFacts] = []
    weights: list[Weight] = []
    for role, spec in manifest.graphs.items():
        if not spec.file.endswith(ONNX):
            graphs.append(GraphFacts(role, spec.file, spec.target, spec.inputs, spec.outputs, {}, {}, 0, {}))
            continue
        model = load_graph(bundle.path / spec.file)
        found = list(weights_of(model))
        graphs.append(graph_facts(bundle.path, role, spec, model, found))
        weights += found
    return Inspection(
        bundle=bundle.path.name,
        task=manifest.task,
        producer=manifest.producer,
        vocab_size=manifest.vocab_size,
        special_ids=asdict(manifest.special_ids),
        sampling=dict(manifest.sampling),
        notes=manifest.notes,
        graphs=tuple(graphs),
        bytes={name: entry.bytes for name, entry in manifest.files.items()},
        weight_bytes=bytes_by_type(weights),
        state_bytes=stream_bytes(manifest.state),
        states={state.past: f"{state.dtype} {list(state.shape)}" for state in manifest.state},
        parity=dict(manifest.parity),
        conversion=dict(manifest.conversion),
    )


def stream_bytes(states: Sequence[StateSpec]) -> int:
    """Bytes of the states that a step carries on; what an encoder gives is not among them."""
    total = 0
    for state in states:
        if state.kind != "cross":
            total += state.row_bytes()
    return total


def load_graph(file: Path) -> ir.Model:
    """Read a graph without its weights.  Raises BundleError for a file that is no graph."""
    try:
        with quiet():  # onnx_ir logs what it makes of a damaged graph
            return ir.load(file)
    except Exception as error:  # protobuf and onnx_ir raise many kinds
        raise BundleError(f"{file.name} is no ONNX graph: {shortened(error)}") from error


class Weight(NamedTuple):
    """A tensor in the file that all graphs share."""

    place: tuple[str, int | None]
    """File and offset: weights that are equal lie in one place."""
    kind: str
    """The type of its numbers."""
    bytes: int
    numbers: int


def weights_of(model: ir.Model) -> Iterator[Weight]:
    """The weights of a graph that do not lie in the graph's file."""
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if isinstance(tensor, ir.ExternalTensor):
            yield Weight((str(tensor.location), tensor.offset), str(tensor.dtype), tensor.nbytes, tensor.size)


def bytes_by_type(weights: list[Weight]) -> dict[str, int]:
    """Bytes of weights by the type of their numbers; those of one place count once."""
    by_place = {weight.place: weight for weight in weights}
    sizes: Counter[str] = Counter()
    for weight in by_place.values():
        sizes[weight.kind] += weight.bytes
    return dict(sizes)


def graph_facts(folder: Path, role: str, spec: GraphSpec, model: ir.Model, weights: list[Weight]) -> GraphFacts:
    """What is known of a graph that was loaded."""
    operators = Counter(map(operator_name, model.graph))
    return GraphFacts(
        role=role,
        file=spec.file,
        target=spec.target,
        inputs=spec.inputs,
        outputs=spec.outputs,
        opsets={str(domain or "ai.onnx"): version for domain, version in model.opset_imports.items()},
        operators=dict(operators.most_common()),
        parameters=sum(weight.numbers for weight in weights),
        providers=providers_of(folder / spec.file),
    )


def operator_name(node: ir.Node) -> str:
    """The kind of a node, with its domain where that is not ONNX's own."""
    return f"{node.domain}::{node.op_type}" if node.domain else str(node.op_type)  # bytes where it is no UTF-8


def providers_of(file: Path) -> dict[str, str]:
    """Which of the execution providers that are installed load a graph."""
    available = onnxruntime.get_available_providers()
    found = {}
    for name, provider in PROVIDERS.items():
        if provider in available:
            found[name] = outcome_of_loading(file, name)
    return found


def outcome_of_loading(file: Path, provider: str) -> str:
    """`runs`, or why a provider does not load a graph."""
    try:
        open_session(file, 1, provider)
    except SessionError as error:
        return str(error)
    return "runs"
