"""Classifiers of bytes of one shape with random weights, RFA and softmax, exported the same way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import SMALLEST, pair_tokenizer
from rfa_export.exams.classification import ClassifierExam, classifier_exam
from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.draft import Drafts
from rfa_export.graph.roles import MODEL
from rfa_export.pipeline import export_task
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.task import Graphs
from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_runtime.bundle.manifest import Manifest

MASK_OF_ATTENTION = 4
"""Which input of MultiHeadAttention it is."""


def shape(layers: int, heads: int, head_dim: int, mlp_width: int, vectors: int) -> ClassifierConfig:
    """Two classes of texts of any length, a token for each byte."""
    attention = AttentionConfig(heads=heads, head_dim=head_dim, random_vectors=vectors)
    return ClassifierConfig(SMALLEST, ("no", "yes"), layers, mlp_width, max_tokens=0, attention=attention)


CLASSIFIERS = {
    "tiny": shape(layers=2, heads=2, head_dim=32, mlp_width=128, vectors=32),
    "base": shape(layers=4, heads=4, head_dim=64, mlp_width=1024, vectors=64),
}
"""`base` has the layers and widths of Long Range Arena's classifier of reviews."""


def export_classifier_twins(config: ClassifierConfig, folder: Path) -> dict[str, Path]:
    """Export bundles of one shape.  Returns their paths by system.

    Softmax comes twice: as it is exported, with a mask for padding, and without.  ONNX Runtime reads keys block by
    block, in memory linear in the length, where there is no mask.
    """
    softmax = replace(config, attention=replace(config.attention, kind="softmax"))
    return {
        "rfa": export_random_classifier(config, folder / "rfa.rfa"),
        "softmax": export_random_classifier(softmax, folder / "softmax.rfa"),
        "softmax, no mask": export_random_classifier(softmax, folder / "softmax-no-mask.rfa", masked=False),
    }


def export_random_classifier(config: ClassifierConfig, bundle: Path, masked: bool = True) -> Path:
    """Export a model of this shape, its weights drawn from a fixed seed; one that is there already is used again."""
    if not bundle.exists():
        torch.manual_seed(0)
        model = Classifier(config).eval()
        task = ClassifierExport if masked else UnmaskedExport
        tokenizer = pair_tokenizer(config.vocab_size)
        export_task(task(model, config.vocab_size, config.labels), bundle, tokenizer, progress=lambda _: None)
    return bundle


class UnmaskedExport(ClassifierExport):
    """Attention to every token: right for texts without padding alone, and verified on one text at a time."""

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """As TaskExport.rewrite."""
        drafts, manifest = super().rewrite(traced)
        for node in drafts[MODEL].model.graph:
            if node.op_type == "MultiHeadAttention":
                node.replace_input_with(MASK_OF_ATTENTION, None)
        remove_unused(drafts[MODEL].model)
        return drafts, manifest

    def exam(self, manifest: Manifest) -> ClassifierExam:
        """As TaskExport.exam."""
        return classifier_exam(self.module, self.vocab_size, self.max_tokens, self.pairs, batch=1)
