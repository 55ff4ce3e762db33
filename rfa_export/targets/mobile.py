"""Target `mobile`: ONNX Runtime's own file format, and the operators that a build for a phone must have.

Such a build reads no ONNX and holds no kernel that the list does not name.  The graph is that of target `ort`, with its
weights inside.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx_ir as ir
import onnxruntime
from onnxruntime.tools.ort_format_model import create_config_from_models

from rfa_export.errors import TargetError
from rfa_export.graph.lowering.one_vocabulary import share_vocabulary
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.targets.catalogue import MOBILE
from rfa_export.targets.target import Target
from rfa_export.tasks.task import TaskExport
from rfa_export.tracing.quiet import quiet
from rfa_runtime.bundle.files import total_bytes
from rfa_runtime.bundle.interface import ENCODER, MODEL, role_in_bundle
from rfa_runtime.bundle.manifest import GraphSpec, Manifest
from rfa_runtime.session.ort import session_options

OPERATORS = "required_operators.config"
"""For ONNX Runtime's build script: --include_ops_by_config."""
MAX_BYTES = 1 << 31
"""Of a file in this format, weights included."""


class Mobile(Target):
    """Files made of the graphs that target `ort` has written into the folder."""

    facts = MOBILE
    runtimes = (OnnxRuntime(),)

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Convert the graphs and list their operators.  Raises TargetError for too many weights."""
        made = {}
        for role in (MODEL, ENCODER):
            if role in manifest.graphs:
                source = manifest.graphs[role]
                spec = replace(source, file=f"{role}.ort", target=self.name)
                convert(folder / source.file, folder / spec.file)
                made[role_in_bundle(role, self.name)] = spec
        write_operators([folder / spec.file for spec in made.values()], folder / OPERATORS)
        return made


def write_operators(graphs: list[Path], file: Path) -> None:
    """Write which operators some graphs need: a line for each domain and opset."""
    with quiet():
        create_config_from_models(graphs, file, enable_type_reduction=False)
    # Comments hold the names of our folders.
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    file.write_text("\n".join(lines) + "\n")


def convert(graph: Path, file: Path) -> None:
    """Write a graph as ONNX Runtime's optimizer leaves it, for any processor.  Raises TargetError."""
    weights = total_bytes(graph.parent.glob("*.data"))
    if weights >= MAX_BYTES:
        raise TargetError(
            f"{weights:,} bytes of weights came, a file of target mobile ends at {MAX_BYTES:,}: leave that target out"
        )
    model = ir.load(graph)
    share_vocabulary(model)
    draft = graph.with_name(f"{graph.stem}.draft.onnx")
    ir.save(model, draft)
    options = session_options(threads=1)
    options.optimized_model_filepath = str(file)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(
        str(draft), options, providers=["CPUExecutionProvider"], disabled_optimizers=["NchwcTransformer"]
    )
    draft.unlink()
