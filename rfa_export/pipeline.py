"""From a checkpoint to a verified bundle: the main path.

trace -> thread_state -> cleanup -> fuse -> last_logits -> top_token -> check -> save -> verify -> bundle
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import onnx_ir as ir
from tokenizers import Tokenizer
from torch import nn

from rfa_export.graph.check import check
from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.edit import dims
from rfa_export.graph.fuse import fuse
from rfa_export.graph.last_logits import last_logits
from rfa_export.graph.names import LOGITS, TOP_LOGIT, TOP_TOKEN
from rfa_export.graph.thread_state import thread_state
from rfa_export.graph.top_token import top_token
from rfa_export.graph.weights import save_graphs
from rfa_export.trace import trace
from rfa_export.verify import Parity, verify
from rfa_export.version import __version__
from rfa_models.checkpoint import Checkpoint
from rfa_runtime.bundle import staged_bundle
from rfa_runtime.manifest import GraphSpec, Manifest, StateSpec

STEP, SCORE, WEIGHTS = "model.onnx", "model.score.onnx", "model.onnx.data"
STEP_OUTPUTS = (LOGITS, TOP_LOGIT, TOP_TOKEN)
TARGET = "ort"

Progress = Callable[[str], None]
"""Called with the name of each stage as it begins."""


@dataclass(frozen=True)
class Exported:
    """What an export gave."""

    bundle: Path
    parity: Parity
    bytes: int
    """Of all files in the bundle."""


def export(checkpoint: Checkpoint, folder: Path, overwrite: bool = False, progress: Progress = print) -> Exported:
    """Export a checkpoint of rfa-train; as `export_module`."""
    return export_module(checkpoint.model, folder, checkpoint.tokenizer, checkpoint.segment_length, overwrite, progress)


def export_module(
    module: nn.Module,
    folder: Path,
    tokenizer: Tokenizer | None = None,
    segment_length: int = 512,
    overwrite: bool = False,
    progress: Progress = print,
) -> Exported:
    """Export any module built from the attention layers of rfa_models as a bundle.

    module: `forward(input_ids[, position_ids]) -> logits`, int64 [B, T] to float32 [B, T, N].  segment_length: tokens
    per segment when the bundle scores a text.  The bundle appears at `folder` verified and whole, or not at all.
    Raises ExportError, BundleError, or OSError as the file system does.
    """
    with staged_bundle(folder, overwrite) as staging:
        progress("trace")
        scoring = trace(module)
        progress("rewrite")
        states = thread_state(scoring)
        cleanup(scoring)
        fuse(scoring)
        cleanup(scoring)
        step = last_logits(scoring)
        top_token(step)
        check(scoring, states, logits="all")
        check(step, states, logits="last")
        progress("save")
        save_graphs({STEP: step, SCORE: scoring}, staging.path, WEIGHTS)
        save_tokenizer(tokenizer, staging.path)
        manifest = describe(step, states, segment_length)
        staging.finish(manifest)
        progress("verify")
        parity = verify(module, staging.path)
        staging.finish(replace(manifest, parity={TARGET: parity.as_table()}))
    return Exported(folder, parity, sum(file.stat().st_size for file in folder.iterdir()))


def describe(step: ir.Model, states: list[StateSpec], segment_length: int) -> Manifest:
    """The manifest of a language model's bundle; the writer adds the list of files."""
    carried = {state.past for state in states}
    inputs = tuple(str(value.name) for value in step.graph.inputs if value.name not in carried)
    logits = next(value for value in step.graph.outputs if value.name == LOGITS)
    *_, vocab_size = dims(logits) or [0]
    return Manifest(
        producer=f"rfa-export {__version__}",
        task="language-model",
        vocab_size=int(vocab_size),
        graphs={
            "model": GraphSpec(file=STEP, target=TARGET, inputs=inputs, logits="last", outputs=STEP_OUTPUTS),
            "score": GraphSpec(file=SCORE, target=TARGET, inputs=inputs, logits="all"),
        },
        state=tuple(states),
        scoring={"segment_length": segment_length},
    )


def save_tokenizer(tokenizer: Tokenizer | None, folder: Path) -> None:
    """Write the tokenizer under the names that Hugging Face's tools look for."""
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
