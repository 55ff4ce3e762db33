"""A language model becomes one step graph for prefill and decoding, and one that gives the logits of a whole text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir
from torch import nn

from rfa_export.errors import TraceError
from rfa_export.exams.exam import Exam
from rfa_export.exams.language import language_exam
from rfa_export.graph.check import check_step
from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts
from rfa_export.graph.names import BATCH, LOGITS, SEQUENCE, STATEFUL, TOP_LOGIT, TOP_TOKEN
from rfa_export.graph.rewrite.last_logits import last_logits
from rfa_export.graph.rewrite.thread_state import thread_state
from rfa_export.graph.rewrite.top_token import top_token
from rfa_export.graph.roles import MODEL, SCORE
from rfa_export.tasks.task import PRODUCER, Graphs, Part, vocabulary
from rfa_export.tracing.trace import TensorSpec, check_parameters, input_names, trace
from rfa_runtime.bundle.manifest import Manifest, StateSpec

TASK = "language-model"
STEP_OUTPUTS = (LOGITS, TOP_LOGIT, TOP_TOKEN)


@dataclass(frozen=True)
class LanguageExport:
    """Any module `forward(input_ids[, position_ids]) -> logits`, int64 [B, T] to float32 [B, T, N]."""

    module: nn.Module
    segment_length: int = 512
    """Tokens per segment when the bundle scores a text."""

    def trace(self) -> Graphs:
        """As TaskExport.trace."""
        return {SCORE: trace_language_model(self.module)}

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """As TaskExport.rewrite."""
        scoring = traced[SCORE].clone()
        states = thread_state(scoring)
        cleanup(scoring)
        step = scoring.clone()
        last_logits(step)
        top_token(step)
        check_step(scoring, states, logits="all")
        check_step(step, states, logits="last")
        drafts = {MODEL: Draft(step, "last", STEP_OUTPUTS, True), SCORE: Draft(scoring, "all", fuse_residuals=True)}
        return drafts, describe(step, states, self.segment_length)

    def parts(self, states: Sequence[StateSpec]) -> dict[str, Part]:
        """As TaskExport.parts."""
        return {MODEL: Part(self.module, tuple(arguments_of(self.module).values()))}

    def exam(self, manifest: Manifest) -> Exam:
        """As TaskExport.exam."""
        return language_exam(self.module, manifest.vocab_size)


def trace_language_model(module: nn.Module) -> ir.Model:
    """Trace the logits of all positions.

    Raises TraceError for a module that torch cannot trace, or in which there is no attention layer of ours.
    """
    check_parameters(module)
    model = trace(module, arguments_of(module), LOGITS)
    require_state(model, module)
    return model


def arguments_of(module: nn.Module) -> dict[str, TensorSpec]:
    """What the module is called with."""
    return {name: TensorSpec(name, (BATCH, SEQUENCE)) for name in input_names(module)}


def require_state(model: ir.Model, module: nn.Module) -> None:
    """Raise TraceError where no step would leave anything to the next."""
    if not any(node.op_type in STATEFUL for node in model.graph):
        raise TraceError(
            f"{type(module).__name__} has no RfaAttention or SoftmaxAttention in it: nothing carries a state"
        )


def describe(step: ir.Model, states: list[StateSpec], segment_length: int) -> Manifest:
    """The manifest of a language model's bundle."""
    return Manifest(
        producer=PRODUCER,
        task=TASK,
        vocab_size=vocabulary(step),
        graphs={},
        state=tuple(states),
        scoring={"segment_length": segment_length},
    )
