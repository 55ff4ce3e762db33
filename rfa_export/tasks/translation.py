"""A translator becomes two graphs: the encoder reads a source once, the decoder takes a step of constant cost.

What the encoder gives is an input of the decoder.  RFA's part of it is a sum of fixed size, whatever the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir
import torch
from torch import nn

from rfa_export.errors import GraphError
from rfa_export.exams.exam import Exam
from rfa_export.exams.translation import translator_exam
from rfa_export.graph.check import check_encoder, check_step
from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts
from rfa_export.graph.edit import dims
from rfa_export.graph.names import ATTENTION_MASK, BATCH, CROSS_MASK, INPUT_IDS, LOGITS, POSITION_IDS, SEQUENCE, SOURCE
from rfa_export.graph.rewrite.last_logits import last_logits
from rfa_export.graph.rewrite.thread_state import thread_state
from rfa_export.graph.rewrite.top_token import top_token
from rfa_export.graph.roles import ENCODER, MODEL
from rfa_export.tasks.language import STEP_OUTPUTS, require_state
from rfa_export.tasks.task import NO_SPECIAL_IDS, PRODUCER, Graphs, Part, vocabulary
from rfa_export.tasks.translation_halves import DecoderHalf, EncoderHalf, Memories, read_memories
from rfa_export.tracing.symbolic import SYMBOLIC_SEQUENCE, SYMBOLIC_STEP
from rfa_export.tracing.trace import TensorSpec, check_parameters, trace
from rfa_runtime.bundle.manifest import Manifest, SpecialIds, StateSpec

TASK = "translation"
TOKENS = (BATCH, SEQUENCE)


@dataclass(frozen=True)
class TranslatorExport:
    """Any module with `encode` and `step`, built from our attention layers, as `Translator` of rfa_models."""

    module: nn.Module
    special_ids: SpecialIds = NO_SPECIAL_IDS
    """Start of a target; end of a source or target."""

    def trace(self) -> Graphs:
        """As TaskExport.trace: the encoder, then the decoder with the encoder's outputs as inputs."""
        check_parameters(self.module)
        memories = read_memories(self.module)
        encoder = self.trace_encoder(memories)
        return {ENCODER: encoder, MODEL: self.trace_decoder(memories, cross_states(encoder))}

    def trace_encoder(self, memories: Memories) -> ir.Model:
        """Token ids, mask and positions -> what the decoder keeps of a source."""
        part = self.encoder(memories)
        arguments = {spec.name: spec for spec in part.inputs}
        return trace(part.module, arguments, memories.names, SYMBOLIC_SEQUENCE, type(self.module).__name__)

    def trace_decoder(self, memories: Memories, states: list[StateSpec]) -> ir.Model:
        """Token ids, positions and that -> logits of all positions."""
        part = self.decoder(memories, states)
        arguments = {spec.name: spec for spec in part.inputs} | {"memory": part.memory}
        model = trace(part.module, arguments, LOGITS, SYMBOLIC_STEP, type(self.module).__name__)
        require_state(model, self.module)
        return model

    def parts(self, states: Sequence[StateSpec]) -> dict[str, Part]:
        """As TaskExport.parts."""
        memories = read_memories(self.module)
        cross = [state for state in states if state.kind == "cross"]
        return {ENCODER: self.encoder(memories), MODEL: self.decoder(memories, cross)}

    def encoder(self, memories: Memories) -> Part:
        """The half that reads a source."""
        inputs = tuple(TensorSpec(name, TOKENS) for name in (INPUT_IDS, ATTENTION_MASK, POSITION_IDS))
        return Part(EncoderHalf(self.module, memories), inputs)

    def decoder(self, memories: Memories, cross: Sequence[StateSpec]) -> Part:
        """The half that takes steps."""
        inputs = tuple(TensorSpec(name, TOKENS) for name in (INPUT_IDS, POSITION_IDS))
        memory = tuple(TensorSpec(state.past, state.shape, getattr(torch, state.dtype)) for state in cross)
        return Part(DecoderHalf(self.module, memories), inputs, memory)

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """As TaskExport.rewrite."""
        encoder = traced[ENCODER].clone()
        step = traced[MODEL].clone()
        cross = cross_states(encoder)
        cleanup(encoder)
        check_encoder(encoder, cross)
        states = thread_state(step) + cross
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
            task=TASK,
            vocab_size=vocabulary(step),
            graphs={},
            state=tuple(states),
            special_ids=self.special_ids,
        )

    def exam(self, manifest: Manifest) -> Exam:
        """As TaskExport.exam."""
        return translator_exam(self.module, manifest.vocab_size)


def cross_states(encoder: ir.Model) -> list[StateSpec]:
    """What the encoder gives to the decoder, in its order; the encoder's sequence is the decoder's source.

    Raises GraphError where anything else than the batch and the length of the source is free.
    """
    return [cross_state(output) for output in encoder.graph.outputs]


def cross_state(output: ir.Value) -> StateSpec:
    """One tensor that the encoder gives."""
    name = str(output.name)
    shape = tuple(SOURCE if dim == SEQUENCE else dim for dim in dims(output) or ())
    if shape[:1] != (BATCH,) or not all(isinstance(dim, int) or dim == SOURCE for dim in shape[1:]):
        raise GraphError(f"{name} has the shape {shape}, all but the batch and the source's length must be static")
    return StateSpec("cross", name, name, "int32" if name == CROSS_MASK else "float32", shape)
