"""Target `genai`: onnxruntime-genai loads the bundle's folder as it is and generates text, in C++, C#, Java, Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rfa_export.errors import TargetError
from rfa_export.graph.draft import Drafts, Lowered, graph_inputs
from rfa_export.graph.lowering.for_genai import hand_over_normalizers, leave_choice_to_runtime, one_text
from rfa_export.graph.names import NORMALIZER, STATEFUL
from rfa_export.runtimes.genai import GenAi
from rfa_export.targets.catalogue import GENAI
from rfa_export.targets.ort import fused
from rfa_export.targets.target import Target
from rfa_export.tasks.task import TaskExport
from rfa_runtime.bundle.interface import LOGITS, MODEL, role_in_bundle
from rfa_runtime.bundle.manifest import GraphSpec, Manifest, StateSpec, kinds

CONFIG = "genai_config.json"
FILE = "model.genai.onnx"
KNOWN_STATES = tuple(slot.suffix for slot in (*STATEFUL["LinearAttention"], NORMALIZER))
STATES_OF_A_LAYER = 2
"""The sums, and their normalizer."""
LONGEST = 1 << 20
"""Tokens of a text.  The state needs no limit, but the runtime keeps an array of all ids."""


class GenAiTarget(Target):
    """The graph of target `ort` with the runtime's own names for states, and the runtime's configuration."""

    facts = GENAI
    runtimes = (GenAi(),)

    def check_task(self, task: TaskExport) -> None:
        """Raise TargetError for what is no language model."""
        if not task.continues_text:
            raise refused()

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """The step graph.  Raises TargetError for what is no language model with states of one size."""
        check(drafts, states)
        draft = drafts[MODEL]
        model = fused(draft).after(leave_choice_to_runtime).model
        spec = GraphSpec(FILE, self.name, graph_inputs(model, states), draft.logits, (LOGITS,), rows=1)
        hand_over_normalizers(model)
        one_text(model)
        return {role_in_bundle(MODEL, self.name): Lowered(model, spec)}

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Write genai_config.json."""
        (folder / CONFIG).write_text(json.dumps(configuration(manifest), indent=2) + "\n")
        return {}


def check(drafts: Drafts, states: Sequence[StateSpec]) -> None:
    """Raise TargetError for a model that the runtime cannot decode."""
    if kinds(states) - {"recurrent"}:
        raise refused()
    for state in states:
        if not state.past.endswith(KNOWN_STATES):
            raise TargetError(f"target genai carries sums and their normalizer alone, this model also {state.past}")
    sizes = {state.shape for state in states}
    if len(sizes) > STATES_OF_A_LAYER:
        raise TargetError("target genai wants one size for all layers' states, this model has several")


def refused() -> TargetError:
    """The error for a model that this target cannot have."""
    return TargetError("target genai continues text with a recurrent state: it is only for RFA language models")


def configuration(manifest: Manifest) -> dict[str, object]:
    """The contents of genai_config.json."""
    inputs = manifest.graphs[role_in_bundle(MODEL, GENAI.name)].inputs
    decoder = {
        "filename": FILE,
        "num_hidden_layers": len(manifest.state) // STATES_OF_A_LAYER,
        "inputs": {name: name for name in inputs},
        "outputs": {LOGITS: LOGITS},
    }
    model = {
        "type": "decoder",
        "vocab_size": manifest.vocab_size,
        "context_length": LONGEST,
        "eos_token_id": sorted(manifest.special_ids.ends),
        "pad_token_id": 0,
        "decoder": decoder,
    }
    return {"model": model, "search": {"do_sample": False, "max_length": LONGEST}}
