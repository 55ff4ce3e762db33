"""A language model becomes one step graph for prefill and decoding, and one that gives the logits of a whole text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import onnx_ir as ir
from torch import Tensor, nn

from rfa_export.exams.exam import Exam
from rfa_export.exams.language import language_exam
from rfa_export.graph.check import check_step
from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts
from rfa_export.graph.rewrite.last_logits import last_logits
from rfa_export.graph.rewrite.recent import write_recent
from rfa_export.graph.rewrite.thread_state import thread_state
from rfa_export.graph.rewrite.top_token import top_token
from rfa_export.tasks.step_graph import STEP_OUTPUTS, require_state, vocabulary
from rfa_export.tasks.task import PRODUCER, Graphs, Part, token_inputs
from rfa_export.tracing.trace import check_parameters, input_names, trace
from rfa_models.data.texts import with_start
from rfa_models.tasks.perplexity import perplexity
from rfa_runtime.bundle.interface import LANGUAGE_MODEL, LOGITS, MODEL, SCORE
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, Manifest, SpecialIds, StateSpec


@dataclass(frozen=True)
class LanguageExport:
    """Any module `forward(input_ids[, position_ids]) -> logits`, int64 [B, T] to float32 [B, T, N]."""

    module: nn.Module
    segment_length: int = 512
    """Tokens per segment when the bundle scores a text."""
    special_ids: SpecialIds = NO_SPECIAL_IDS
    """The tokens that begin and end a text."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """How the bundle's tokens are chosen where nobody says it."""
    continues_text = True

    def trace(self) -> Graphs:
        return {SCORE: trace_language_model(self.module)}

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """A step graph, and a scoring graph that gives the logits of every position."""
        scoring = traced[SCORE].clone()
        states = thread_state(scoring)
        write_recent(scoring)
        cleanup(scoring)
        step = scoring.clone()
        last_logits(step)
        top_token(step)
        check_step(scoring, states, logits="all")
        check_step(step, states, logits="last")
        drafts = {
            MODEL: Draft(step, "last", STEP_OUTPUTS, fuse_residuals=True),
            SCORE: Draft(scoring, "all", fuse_residuals=True),
        }
        return drafts, self.describe(step, states)

    def parts(self, states: Sequence[StateSpec]) -> dict[str, Part]:
        return {MODEL: part_of(self.module)}

    def with_module(self, module: nn.Module) -> LanguageExport:
        return replace(self, module=module)

    def exam(self, manifest: Manifest) -> Exam:
        return language_exam(self.module, manifest.vocab_size)

    def perplexity(self, ids: Tensor) -> float:
        return perplexity(self.module, with_start(ids, self.special_ids), self.segment_length)

    def describe(self, step: ir.Model, states: list[StateSpec]) -> Manifest:
        """The manifest of a language model's bundle."""
        return Manifest(
            producer=PRODUCER,
            task=LANGUAGE_MODEL,
            vocab_size=vocabulary(step),
            graphs={},
            state=tuple(states),
            special_ids=self.special_ids,
            sampling=dict(self.sampling),
            scoring={"segment_length": self.segment_length},
        )


def trace_language_model(module: nn.Module) -> ir.Model:
    """Trace the logits of all positions.

    Raises TraceError for a module that torch cannot trace, or in which there is no attention layer of ours.
    """
    check_parameters(module)
    model = trace(module, part_of(module).arguments, LOGITS)
    require_state(model, module)
    return model


def part_of(module: nn.Module) -> Part:
    """The module with its inputs: ids, and positions where it takes them."""
    return Part(module, token_inputs(input_names(module)))
