"""A translator becomes two graphs: the encoder reads a source once, the decoder takes a step of constant cost.

What the encoder gives is an input of the decoder.  RFA's part of it is a sum of fixed size, whatever the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir
import torch
from torch import Tensor, nn

from rfa_export.errors import GraphError
from rfa_export.exams.exam import Exam
from rfa_export.exams.translation import translator_exam
from rfa_export.graph.check import check_encoder, check_step
from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts
from rfa_export.graph.edit import dims, renamed
from rfa_export.graph.rewrite.last_logits import last_logits
from rfa_export.graph.rewrite.recent import write_recent
from rfa_export.graph.rewrite.thread_state import thread_state
from rfa_export.graph.rewrite.top_token import top_token
from rfa_export.tasks.step_graph import STEP_OUTPUTS, require_state, vocabulary
from rfa_export.tasks.task import PRODUCER, Graphs, Part, no_perplexity, token_inputs
from rfa_export.tasks.translation_halves import DecoderHalf, EncoderHalf, Memories, read_memories
from rfa_export.tracing.symbolic import SYMBOLIC_SEQUENCE, SYMBOLIC_STEP
from rfa_export.tracing.trace import TensorSpec, check_parameters, trace
from rfa_runtime.bundle.interface import (
    ATTENTION_MASK,
    BATCH,
    CROSS_MASK,
    ENCODER,
    INPUT_IDS,
    LOGITS,
    MODEL,
    POSITION_IDS,
    SEQUENCE,
    SOURCE,
    TRANSLATION,
)
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, Manifest, SpecialIds, StateSpec, of_kind


@dataclass(frozen=True)
class TranslatorExport:
    """Any module with `encode` and `step`, built from our attention layers, as `Translator` of rfa_models."""

    module: nn.Module
    special_ids: SpecialIds = NO_SPECIAL_IDS
    """Start of a target; end of a source or target."""
    continues_text = False

    def trace(self) -> Graphs:
        """Trace the encoder, then the decoder with the encoder's outputs as inputs."""
        check_parameters(self.module)
        memories = read_memories(self.module)
        encoder = self.trace_encoder(memories)
        return {ENCODER: encoder, MODEL: self.trace_decoder(memories, cross_states(encoder))}

    def trace_encoder(self, memories: Memories) -> ir.Model:
        """Token ids, mask and positions -> what the decoder keeps of a source."""
        part = self.encoder(memories)
        return trace(part.module, part.arguments, memories.names, SYMBOLIC_SEQUENCE, self.title)

    def trace_decoder(self, memories: Memories, states: list[StateSpec]) -> ir.Model:
        """Token ids, positions and what the encoder gave -> logits of all positions."""
        part = self.decoder(memories, states)
        model = trace(part.module, part.arguments, LOGITS, SYMBOLIC_STEP, self.title)
        require_state(model, self.module)
        return model

    @property
    def title(self) -> str:
        """What errors call the module."""
        return type(self.module).__name__

    def parts(self, states: Sequence[StateSpec]) -> dict[str, Part]:
        memories = read_memories(self.module)
        cross = of_kind(states, "cross")
        return {ENCODER: self.encoder(memories), MODEL: self.decoder(memories, cross)}

    def encoder(self, memories: Memories) -> Part:
        """The half that reads a source."""
        inputs = token_inputs((INPUT_IDS, ATTENTION_MASK, POSITION_IDS))
        return Part(EncoderHalf(self.module, memories), inputs)

    def decoder(self, memories: Memories, cross: Sequence[StateSpec]) -> Part:
        """The half that takes steps."""
        inputs = token_inputs((INPUT_IDS, POSITION_IDS))
        memory = tuple(map(tensor_of, cross))
        return Part(DecoderHalf(self.module, memories), inputs, memory)

    def with_module(self, module: nn.Module) -> TranslatorExport:
        return replace(self, module=module)

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        encoder = traced[ENCODER].clone()
        step = traced[MODEL].clone()
        cross = cross_states(encoder)
        cleanup(encoder)
        check_encoder(encoder, cross)
        states = thread_state(step) + cross
        write_recent(step)
        cleanup(step)
        last_logits(step)
        top_token(step)
        check_step(step, states, logits="last")
        drafts = {
            ENCODER: Draft(encoder, "none", tuple(state.present for state in cross)),
            MODEL: Draft(step, "last", STEP_OUTPUTS),
        }
        return drafts, self.describe(step, states)

    def describe(self, step: ir.Model, states: list[StateSpec]) -> Manifest:
        """The manifest of a translator's bundle."""
        return Manifest(
            producer=PRODUCER,
            task=TRANSLATION,
            vocab_size=vocabulary(step),
            graphs={},
            state=tuple(states),
            special_ids=self.special_ids,
        )

    def exam(self, manifest: Manifest) -> Exam:
        return translator_exam(self.module, manifest.vocab_size)

    def perplexity(self, ids: Tensor) -> float:
        raise no_perplexity()


def tensor_of(state: StateSpec) -> TensorSpec:
    """A state as a tensor that a module takes."""
    return TensorSpec(state.past, state.shape, getattr(torch, state.dtype))


def cross_states(encoder: ir.Model) -> list[StateSpec]:
    """What the encoder gives to the decoder, in the order of its outputs.

    Raises GraphError where anything else than the batch and the length of the source is free.
    """
    return [cross_state(output) for output in encoder.graph.outputs]


def cross_state(output: ir.Value) -> StateSpec:
    """One tensor that the encoder gives.  The encoder's sequence is the decoder's source."""
    name = str(output.name)
    shape = tuple(renamed(dims(output) or (), SEQUENCE, SOURCE))
    free = {dim for dim in shape[1:] if isinstance(dim, str)}
    if shape[:1] != (BATCH,) or not free <= {SOURCE}:
        raise GraphError(f"{name} has the shape {shape}, all but the batch and the source's length must be static")
    dtype = "int32" if name == CROSS_MASK else "float32"
    return StateSpec("cross", name, name, dtype, shape)
