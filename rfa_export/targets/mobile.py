"""Target `mobile`: ONNX Runtime's own file format, and the operators that a build for a phone must have.

Such a build reads no ONNX and holds no kernel that the list does not name.  The graph is that of target `ort`, with its
weights inside.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnxruntime
from onnxruntime.tools.ort_format_model import create_config_from_models

from rfa_export.errors import TargetError
from rfa_export.graph.roles import ENCODER, MODEL, OUR_OWN, role_in_bundle
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.targets.catalogue import MOBILE
from rfa_export.targets.target import Target
from rfa_export.tasks.task import TaskExport
from rfa_export.tracing.trace import quiet
from rfa_runtime.bundle.manifest import GraphSpec, Manifest
from rfa_runtime.session.ort import session_options

OPERATORS = "required_operators.config"
"""For ONNX Runtime's build script: --include_ops_by_config."""
MAX_BYTES = 1 << 31
"""Of a file in this format, weights included."""


class Mobile(Target):
    """As `Target`."""

    facts = MOBILE
    runtimes = (OnnxRuntime(),)

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """As Target.write."""
        graphs = {role: manifest.graphs[role] for role in (MODEL, ENCODER) if role in manifest.graphs}
        if not graphs:
            raise TargetError(f"target {self.name} is made of the graphs of target {OUR_OWN}: add that to the targets")
        specs = {
            role_in_bundle(role, self.name): replace(spec, file=f"{role}.ort", target=self.name)
            for role, spec in graphs.items()
        }
        for source, made in zip(graphs.values(), specs.values(), strict=True):
            convert(folder / source.file, folder / made.file)
        write_operators([folder / spec.file for spec in specs.values()], folder / OPERATORS)
        return specs


def write_operators(graphs: list[Path], file: Path) -> None:
    """Write which operators some graphs need: a line for each domain and opset."""
    with quiet():
        create_config_from_models(graphs, file, enable_type_reduction=False)
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]  # names of our folders
    file.write_text("\n".join(lines) + "\n")


def convert(graph: Path, file: Path) -> None:
    """Write a graph as ONNX Runtime's optimizer leaves it, for any processor.  Raises TargetError."""
    weights = sum(path.stat().st_size for path in graph.parent.glob("*.data"))
    if weights >= MAX_BYTES:
        raise TargetError(
            f"{weights:,} bytes of weights came, a file of target mobile ends at {MAX_BYTES:,}: leave that target out"
        )
    options = session_options(None)
    options.optimized_model_filepath = str(file)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(
        str(graph), options, providers=["CPUExecutionProvider"], disabled_optimizers=["NchwcTransformer"]
    )
