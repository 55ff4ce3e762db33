"""A classifier becomes one graph, from whole texts, or pairs of texts, to the logits of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from rfa_export.exams.classification import classifier_exam
from rfa_export.exams.exam import Exam
from rfa_export.graph.check import check_classifier
from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts
from rfa_export.tasks.task import PRODUCER, Graphs, Part, no_perplexity, token_inputs
from rfa_export.tracing.symbolic import SYMBOLIC_SEQUENCE
from rfa_export.tracing.trace import check_parameters, trace
from rfa_runtime.bundle.interface import (
    ATTENTION_MASK,
    CLASSIFICATION,
    INPUT_IDS,
    LOGITS,
    MODEL,
    PAIR,
    PAIR_SEQUENCE,
    POSITION_IDS,
)
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, Manifest, SpecialIds, StateSpec

INPUTS = (INPUT_IDS, ATTENTION_MASK, POSITION_IDS)


@dataclass(frozen=True)
class ClassifierExport:
    """Any module `forward(input_ids, position_ids, keep[, and the same of a second text]) -> logits` [B, C]."""

    module: nn.Module
    vocab_size: int
    labels: tuple[str, ...]
    """Names of the classes, in the order of the logits."""
    pairs: bool = False
    """Whether the classifier compares two texts."""
    max_tokens: int = 0
    """The longest text that it was made for; 0 sets no limit."""
    special_ids: SpecialIds = NO_SPECIAL_IDS
    """The token that stands before every text, where one does."""
    continues_text = False

    def trace(self) -> Graphs:
        check_parameters(self.module)
        part = self.parts()[MODEL]
        title = type(self.module).__name__
        return {MODEL: trace(part.module, part.arguments, LOGITS, SYMBOLIC_SEQUENCE, title)}

    def parts(self, states: Sequence[StateSpec] = ()) -> dict[str, Part]:
        inputs = token_inputs(INPUTS)
        if self.pairs:
            inputs += token_inputs(INPUTS, PAIR, PAIR_SEQUENCE)
        return {MODEL: Part(WholeText(self.module), inputs)}

    def with_module(self, module: nn.Module) -> ClassifierExport:
        return replace(self, module=module)

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        model = traced[MODEL].clone()
        cleanup(model)
        check_classifier(model, len(self.labels), self.pairs)
        return {MODEL: Draft(model, "sequence")}, self.describe()

    def describe(self) -> Manifest:
        """The manifest of a classifier's bundle."""
        return Manifest(
            producer=PRODUCER,
            task=CLASSIFICATION,
            vocab_size=self.vocab_size,
            graphs={},
            state=(),
            special_ids=self.special_ids,
            labels=self.labels,
            max_tokens=self.max_tokens,
        )

    def exam(self, manifest: Manifest) -> Exam:
        return classifier_exam(self.module, self.vocab_size, self.max_tokens, self.pairs)

    def perplexity(self, ids: Tensor) -> float:
        raise no_perplexity()


class WholeText(nn.Module):
    """A classifier whose parameters have the names of the graph's inputs."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor,
        pair_input_ids: Tensor | None = None,
        pair_attention_mask: Tensor | None = None,
        pair_position_ids: Tensor | None = None,
    ) -> Tensor:
        """All [B, T] -> [B, C]."""
        texts: list[Tensor | None] = [input_ids, position_ids, attention_mask]
        if pair_input_ids is not None:
            texts += [pair_input_ids, pair_position_ids, pair_attention_mask]
        return self.classifier(*texts)
