"""What else than attention reaches from one position to another: a step, which sees one token, then lacks something.

The traced graph reads a text at once and in two pieces, with the states of its attention carried over.  Whatever works
on each position by itself computes the same both times.  The first operator whose inputs agree and whose outputs do not
is the one that reaches over positions.
"""

from __future__ import annotations

import tempfile
from ast import literal_eval
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx_ir as ir

from rfa_export.errors import GraphError, ParityError
from rfa_export.graph.names import STATEFUL
from rfa_export.graph.rewrite.thread_state import thread_state
from rfa_export.graph.weights import save_graphs
from rfa_export.tasks.task import TaskExport
from rfa_runtime.bundle.interface import INPUT_IDS, POSITION_IDS, SEQLENS_K, TOTAL_SEQUENCE_LENGTH
from rfa_runtime.bundle.manifest import StateSpec
from rfa_runtime.errors import SessionError
from rfa_runtime.session.ort import Session, open_session

TEXT = (1, 0, 0, 1, 0, 1, 1)
"""Ids that every vocabulary has, but for one of a single token."""
LENGTH = len(TEXT)
PIECES = (0, 4, LENGTH)
"""Where its pieces begin and end: of unlike lengths, so that their shapes tell the axis of positions."""
NEAR = 1e-3
"""How far two results may be apart, relative to the largest number: rounding is far below, another result above."""
RECURRENT = ("RNN", "GRU", "LSTM", "Scan", "Loop")
"""Operators that go from position to position."""
SCOPES = "pkg.torch.onnx.name_scopes"
"""Where torch notes of a node which module it comes from: the names from the outermost module to the operator."""
Values = Mapping[str, np.ndarray]


@contextmanager
def naming_what_reaches(task: TaskExport) -> Iterator[None]:
    """Add to a GraphError or ParityError which operator reaches over positions, where one does."""
    try:
        yield
    except (GraphError, ParityError) as error:
        found = what_reaches(task) if task.continues_text else None
        if found is None:
            raise
        raise type(error)(
            f"{error}.  {found} "
            "reaches over positions: a step sees one token, and of those before it only what attention keeps"
        ) from error


def what_reaches(task: TaskExport) -> str | None:
    """The operator of a language model that reaches over positions first, for people; None where none does."""
    for traced in task.trace().values():
        node = reaching_node(traced)
        if node is not None:
            return described(node)
    return None


def reaching_node(traced: ir.Model) -> ir.Node | None:
    """The first node that reaches over positions, attention left out.

    Of a graph that cannot read pieces, such as one of fixed length: the first node that always does.
    """
    model = traced.clone()
    states = thread_state(model)
    nodes = [node for node in model.graph if node.op_type not in STATEFUL]
    watch(model, nodes)
    try:
        with tempfile.TemporaryDirectory() as folder:
            save_graphs({"graph.onnx": model}, Path(folder), "weights.onnx.data")
            session = open_session(Path(folder) / "graph.onnx", 1, "cpu")
            whole = run(session, states, [0, LENGTH])[0]
            pieces = run(session, states, PIECES)
    except SessionError:
        return next((node for node in nodes if node.op_type in RECURRENT), None)
    differing = set()
    for name, array in whole.items():
        if not agree(array, [piece[name] for piece in pieces]):
            differing.add(name)
    return first_to_differ(nodes, differing)


def watch(model: ir.Model, nodes: Iterable[ir.Node]) -> None:
    """Make every floating-point result an output.  Integers, such as lengths and places, may differ."""
    known = {value.name for value in model.graph.outputs}
    for node in nodes:
        for value in node.outputs:
            if value.dtype == ir.DataType.FLOAT and value.name not in known:
                model.graph.outputs.append(value)


def run(session: Session, states: list[StateSpec], cuts: Iterable[int]) -> list[Values]:
    """Read the text piece by piece.  cuts: where pieces begin and end.  Returns all outputs of each piece."""
    names = [value.name for value in session.get_outputs()]
    inputs = {value.name for value in session.get_inputs()}
    ids = np.array([TEXT])
    past: dict[str, np.ndarray] = {spec.past: np.zeros(spec.sizes(1, LENGTH), np.float32) for spec in states}
    found: list[Values] = []
    for start, end in pairwise(cuts):
        given = {
            INPUT_IDS: ids[:, start:end],
            POSITION_IDS: np.arange(start, end)[None],
            SEQLENS_K: np.array([end - 1], np.int32),
            TOTAL_SEQUENCE_LENGTH: np.array(end, np.int32),
            **past,
        }
        try:
            results = session.run(names, {name: array for name, array in given.items() if name in inputs})
        except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
            raise SessionError(str(error)) from error
        outputs = dict(zip(names, results, strict=True))
        past = {spec.past: outputs.pop(spec.present) for spec in states}
        found.append(outputs)
    return found


def agree(whole: np.ndarray, pieces: list[np.ndarray]) -> bool:
    """Whether pieces side by side are the whole, or each of them is, where there is no axis of positions."""
    axis = axis_of_positions(whole.shape, [piece.shape for piece in pieces])
    if axis is None:
        return all(near(whole, piece) for piece in pieces)
    return near(whole, np.concatenate(pieces, axis))


def axis_of_positions(whole: tuple[int, ...], pieces: list[tuple[int, ...]]) -> int | None:
    """The one axis along which the pieces add up to the whole."""
    for axis, size in enumerate(whole):
        others = {shape[:axis] + shape[axis + 1 :] for shape in (whole, *pieces) if len(shape) == len(whole)}
        if len(others) == 1 and sum(shape[axis] for shape in pieces if len(shape) == len(whole)) == size:
            return axis
    return None


def near(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are the same but for rounding.  What is no number in both is the same."""
    if one.shape != other.shape:
        return False
    largest = np.abs(one[np.isfinite(one)]).max(initial=0.0)
    return np.allclose(one, other, rtol=0.0, atol=NEAR * largest, equal_nan=True)


def first_to_differ(nodes: Iterable[ir.Node], differing: set[str]) -> ir.Node | None:
    """The first node, in the graph's order, that made a difference of inputs without one."""
    for node in nodes:
        made = any(value.name in differing for value in node.outputs)
        given = any(value is not None and value.name in differing for value in node.inputs)
        if made and not given:
            return node
    return None


def described(node: ir.Node) -> str:
    """The operator, and the module that it stands in, as far as torch says so."""
    scopes = literal_eval(node.metadata_props.get(SCOPES, "[]"))
    modules = [name for name in scopes[:-1] if name]
    where = f" in {modules[-1]}" if modules else ""
    return f"{node.op_type}{where}"
