"""Target `triton`: the configuration with which NVIDIA's Triton Inference Server serves the graph of target `ort`.

The server keeps the state of every sequence by itself ("implicit state"): each past state of the graph is an input that
it fills from the present state of the same sequence, with zeros at the start.  So a client sends token ids alone.

A model of the server's repository is a folder with the configuration and a folder for each version:

    models/stories/config.pbtxt
    models/stories/1/            the bundle
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rfa_export.errors import TargetError
from rfa_export.targets.catalogue import TRITON
from rfa_export.targets.target import Target
from rfa_export.tasks.task import TaskExport
from rfa_runtime.bundle import interface
from rfa_runtime.bundle.interface import MODEL
from rfa_runtime.bundle.manifest import GraphSpec, Manifest, StateSpec, kinds

CONFIG = "config.pbtxt"
"""Of the server, in the text format of protocol buffers (`inference.ModelConfig`)."""
LARGEST_BATCH = 64
"""Sequences that take a step together."""
MOST_SEQUENCES = 1024
"""Sequences that the server keeps at once."""
IDLE_SECONDS = 600
"""After which a sequence that nobody goes on with is forgotten."""
TYPES = {"float32": "TYPE_FP32", "float16": "TYPE_FP16"}


class Triton(Target):
    """A configuration, beside the graphs that target `ort` has written."""

    facts = TRITON

    def check_task(self, task: TaskExport) -> None:
        """Raise TargetError for what is no language model."""
        if not task.continues_text:
            raise refused()

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Write the configuration.  Raises TargetError for a model whose states the server cannot keep."""
        if kinds(manifest.state) != {"recurrent"}:
            raise refused()
        (folder / CONFIG).write_text(configuration(manifest), encoding="utf-8")
        return {}


def refused() -> TargetError:
    """The error for a model that this target cannot have."""
    return TargetError("target triton is for language models whose state has a fixed size: leave it out for this one")


def configuration(manifest: Manifest) -> str:
    """The server's configuration for the step graph of a language model."""
    graph = manifest.graphs[MODEL]
    parts = [
        'backend: "onnxruntime"',
        f'default_model_filename: "{graph.file}"',
        f"max_batch_size: {LARGEST_BATCH}",
    ]
    for name in graph.inputs:
        parts.append(block("input", tensor(name, "TYPE_INT64", [-1])))
    for name in graph.outputs:
        parts.append(block("output", output(name, manifest.vocab_size)))
    batching = [
        f"max_sequence_idle_microseconds: {IDLE_SECONDS * 1_000_000}",
        block("oldest", [f"max_candidate_sequences: {MOST_SEQUENCES}"]),
    ]
    for spec in manifest.state:
        batching.append(block("state", state(spec)))
    parts.append(block("sequence_batching", batching))
    return "\n".join(parts) + "\n"


def output(name: str, vocabulary: int) -> list[str]:
    """The fields of an output of the graph, without its batch."""
    match name:
        case interface.LOGITS:
            return tensor(name, "TYPE_FP32", [1, vocabulary])
        case interface.TOP_LOGIT:
            return tensor(name, "TYPE_FP32", [1, 1])
        case interface.TOP_TOKEN:
            return tensor(name, "TYPE_INT64", [1, 1])
    raise TargetError(f"the graph has an output {name!r}, which target triton does not know")


def state(spec: StateSpec) -> list[str]:
    """The fields of a state: what goes in is what came out, or zeros."""
    kind = TYPES[spec.dtype]
    sizes = [f"dims: {list(spec.sizes(1)[1:])}"]
    zeros = [f"data_type: {kind}", *sizes, "zero_data: true", f'name: "zeros of {spec.past}"']
    return [
        f'input_name: "{spec.past}"',
        f'output_name: "{spec.present}"',
        f"data_type: {kind}",
        *sizes,
        block("initial_state", zeros),
    ]


def tensor(name: str, kind: str, sizes: list[int]) -> list[str]:
    """The fields of a tensor.  sizes: without the batch, -1 for any."""
    return [f'name: "{name}"', f"data_type: {kind}", f"dims: {sizes}"]


def block(name: str, fields: Sequence[str]) -> str:
    """A message: its fields between braces, a level further in."""
    inner = "\n".join(fields)
    indented = "\n".join(f"  {line}" for line in inner.splitlines())
    return f"{name} {{\n{indented}\n}}"
