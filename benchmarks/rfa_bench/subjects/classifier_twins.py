"""Classifiers of bytes of one shape with random weights, RFA and softmax, exported the same way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_bench.subjects.shapes import softmax_classifier
from rfa_export.exams.classification import ClassifierExam, classifier_exam
from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.draft import Drafts
from rfa_export.pipeline import FOR_OURSELVES, export_task
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.task import Graphs
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_runtime.bundle.interface import MODEL
from rfa_runtime.bundle.manifest import Manifest

MASK_OF_ATTENTION = 4
"""The number of MultiHeadAttention's input that holds the mask."""


def export_classifier_twins(
    config: ClassifierConfig, folder: Path, weights: ExportConfig = FOR_OURSELVES
) -> dict[str, Path]:
    """Export bundles of one shape.  Returns their paths by system.

    Softmax comes twice: as rfa-export writes it, with a mask for padding, and without.  ONNX Runtime reads keys block
    by block, in memory linear in the length, where there is no mask.
    """
    softmax = softmax_classifier(config)
    label = weights.label
    unmasked = folder / f"softmax-no-mask-{label}.rfa"
    return {
        "rfa": export_random_classifier(config, folder / f"rfa-{label}.rfa", weights),
        "softmax": export_random_classifier(softmax, folder / f"softmax-{label}.rfa", weights),
        "softmax, no mask": export_random_classifier(softmax, unmasked, weights, masked=False),
    }


def export_random_classifier(
    shape: ClassifierConfig, bundle: Path, weights: ExportConfig = FOR_OURSELVES, masked: bool = True
) -> Path:
    """Export a model of this shape, its weights drawn from a fixed seed; a bundle that is there is used again."""
    if not bundle.exists():
        torch.manual_seed(0)
        model = Classifier(shape).eval()
        kind = ClassifierExport if masked else UnmaskedExport
        task = kind(model, shape.vocab_size, shape.labels)
        tokenizer = pair_tokenizer(shape.vocab_size)
        config = replace(weights, verify="ours")
        export_task(task, bundle, tokenizer, progress=lambda _: None, config=config)
    return bundle


class UnmaskedExport(ClassifierExport):
    """A classifier that attends to every token: right only for texts without padding, so it is verified on one."""

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """Take the mask away from every attention that the usual export writes."""
        drafts, manifest = super().rewrite(traced)
        model = drafts[MODEL].model
        for node in model.graph:
            if node.op_type == "MultiHeadAttention":
                node.replace_input_with(MASK_OF_ATTENTION, None)
        remove_unused(model)
        return drafts, manifest

    def exam(self, manifest: Manifest) -> ClassifierExam:
        """Ask for the answer to one text: a batch would have padding."""
        return classifier_exam(self.module, self.vocab_size, self.max_tokens, self.pairs, batch=1)
