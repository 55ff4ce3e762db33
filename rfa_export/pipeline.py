"""From a checkpoint to a verified bundle: the main path.

trace -> rewrite -> quantize -> lower for each target -> save -> verify -> bundle

What is traced, rewritten and verified is the business of `tasks/`; what graphs become for a runtime, of `targets/`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn

from rfa_export.errors import TargetError, TokenizerError
from rfa_export.graph.draft import Lowered
from rfa_export.graph.rounding.half_state import halve_states
from rfa_export.graph.rounding.round_weights import round_weights
from rfa_export.graph.weights import save_graphs
from rfa_export.targets.export_config import ExportConfig
from rfa_export.targets.registry import targets_of
from rfa_export.targets.target import Target
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_export.tasks.translation import TranslatorExport
from rfa_export.text import TextSide, TokenizerSource, save_text_side, text_side
from rfa_export.verification.reach import naming_what_reaches
from rfa_export.verification.report import Report
from rfa_export.verification.verify import check_measurable, verify
from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint
from rfa_models.data.texts import read_text
from rfa_models.data.tokenizer import CLASS, END, START
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.wrappers import unwrapped
from rfa_runtime.bundle.bundle import staged_bundle
from rfa_runtime.bundle.files import total_bytes
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, Manifest, SpecialIds
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.bundle.staging import check_destination
from rfa_runtime.checks import whole_number
from rfa_runtime.decoding.sampling_config import SamplingConfig

WEIGHTS = "model.onnx.data"
"""Weights of all graphs, whatever they are for."""

LARGEST_SEGMENT = 1 << 31
FOR_OURSELVES = ExportConfig()
Progress = Callable[[str], None]
"""Called with the name of each stage as it begins."""
NOT_CONVERTED: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Exported:
    """The outcome of an export."""

    bundle: Path
    report: Report
    bytes: int
    """Of all files in the bundle."""


def export_file(
    checkpoint: Path | str,
    folder: Path | str,
    overwrite: bool = False,
    progress: Progress = print,
    config: ExportConfig = FOR_OURSELVES,
    text: Path | str | None = None,
) -> Exported:
    """Export the file of a checkpoint, whatever its task.

    text: a file to report the perplexity on, in place of `config.text`.  The other arguments and errors are those of
    `export_task`; raises also ModelError for a checkpoint or a text that cannot be read.
    """
    check_readable(checkpoint, text)
    check_destination(folder, overwrite)
    if text is not None:
        config = replace(config, text=read_text(text))
    return export(load_checkpoint(checkpoint), folder, overwrite, progress, config)


def export(
    checkpoint: Checkpoint,
    folder: Path | str,
    overwrite: bool = False,
    progress: Progress = print,
    config: ExportConfig = FOR_OURSELVES,
) -> Exported:
    """Export a checkpoint of rfa-train, whatever its task.  Arguments and errors are those of `export_task`."""
    side = text_side(checkpoint.tokenizer, chat_template=checkpoint.chat_template)
    side = replace(side, notes=(*side.notes, *notes_on_length(checkpoint.model.config)))
    conversion = checkpoint.training.get("conversion", {})
    return export_text_task(task_of(checkpoint), folder, side, overwrite, progress, config, conversion)


def export_module(
    module: nn.Module,
    folder: Path | str,
    tokenizer: TokenizerSource = None,
    segment_length: int = 512,
    overwrite: bool = False,
    progress: Progress = print,
    config: ExportConfig = FOR_OURSELVES,
    *,
    special_ids: SpecialIds | None = None,
    sampling: SamplingConfig | Mapping[str, Any] | None = None,
    chat_template: str | None = None,
) -> Exported:
    """Export any module built from the attention layers of rfa_models as the bundle of a language model.

    module: `forward(input_ids[, position_ids]) -> logits`, int64 [B, T] to float32 [B, T, N].
    tokenizer: the bundle needs one to continue or score texts; without it, it takes and gives token ids.  A path is
    that of a tokenizer.json, or of its folder; what tokenizer_config.json and generation_config.json beside it say
    stands for the three last arguments, where these are left out.
    segment_length: tokens per segment when the bundle scores a text.
    special_ids: the tokens that begin and end a text.  sampling: how tokens are chosen where nobody says it.
    chat_template: in the language of Jinja, for servers.
    The other arguments and errors are those of `export_task`.  Raises also TokenizerError, DataError and OptionError
    for what is wrong with the arguments about text.
    """
    segment_length = whole_number("segment_length", segment_length, 0, LARGEST_SEGMENT)
    side = text_side(tokenizer, special_ids, sampling, chat_template)
    task = LanguageExport(module, segment_length, side.special_ids, side.sampling)
    return export_text_task(task, folder, side, overwrite, progress, config)


def export_task(
    task: TaskExport,
    folder: Path | str,
    tokenizer: TokenizerSource = None,
    overwrite: bool = False,
    progress: Progress = print,
    config: ExportConfig = FOR_OURSELVES,
) -> Exported:
    """Export what a task makes of its module.  The bundle appears at `folder` verified and whole, or not at all.

    overwrite: replace a bundle that is there already; without it, raises BundleExistsError.
    progress: called with the name of each stage as it begins.
    Raises ExportError, BundleError, or OSError as the file system does.
    """
    return export_text_task(task, folder, text_side(tokenizer), overwrite, progress, config)


def export_text_task(
    task: TaskExport,
    folder: Path | str,
    side: TextSide,
    overwrite: bool,
    progress: Progress,
    config: ExportConfig,
    conversion: Mapping[str, Any] = NOT_CONVERTED,
) -> Exported:
    """Export a task with all that its bundle shall know of text.

    conversion: how good the model is beside the one that it was made of.  Other arguments and errors are those of
    `export_task`.
    """
    if not isinstance(config, ExportConfig):
        raise TargetError(f"config is {type(config).__name__}, wanted an ExportConfig")
    folder = Path(folder)
    check_destination(folder, overwrite)
    check_measurable(task, side.tokenizer, config)
    task = task.with_module(unwrapped(task.module))
    targets = targets_of(config)
    for target in targets:
        target.check_task(task)
    with naming_what_reaches(task), staged_bundle(folder, overwrite) as staging:
        manifest = save(task, targets, config, staging.path, progress)
        gc.collect()  # the graphs: nobody has them any more, but their nodes point at each other
        manifest = replace(manifest, notes=side.notes, conversion=conversion)
        save_text_side(side, manifest.special_ids, staging.path)
        for target in targets:
            manifest = replace(manifest, graphs={**manifest.graphs, **target.write(task, manifest, staging.path)})
        staging.finish(manifest)
        progress("verify")
        report = verify(task, side.tokenizer, config, targets, staging.path, progress)
        staging.finish(replace(manifest, parity=report.as_table()))
    return Exported(folder, report, total_bytes(folder.iterdir()))


def save(
    task: TaskExport, targets: Sequence[Target], config: ExportConfig, folder: Path, progress: Progress
) -> Manifest:
    """Trace a task and write its graphs for each target.  Returns the manifest; the graphs leave memory."""
    progress("trace")
    traced = task.trace()
    progress("rewrite")
    drafts, manifest = task.rewrite(traced)
    drafts = round_weights(drafts, config.weights)
    if config.half_state:
        drafted = [draft.model for draft in drafts.values()]
        manifest = replace(manifest, state=halve_states(drafted, manifest.state))
    graphs: dict[str, Lowered] = {}
    for target in targets:
        graphs |= target.lower(drafts, manifest.state)
    progress("save")
    models = {}
    specs = {}
    for role, graph in graphs.items():
        models[graph.spec.file] = graph.model
        specs[role] = graph.spec
    save_graphs(models, folder, WEIGHTS)
    return replace(manifest, graphs=specs)


def notes_on_length(config: Any) -> tuple[str, ...]:
    """What a user should know of texts that are longer than those that the model was trained with."""
    if not isinstance(config, ModelConfig) or config.trained_length is None:
        return ()
    if config.positions == "learned":
        return (f"has {config.trained_length:,} learned positions: later tokens take the last one's, untrained",)
    return (f"was trained with texts of up to {config.trained_length:,} tokens: it goes on beyond them, untrained",)


def task_of(checkpoint: Checkpoint) -> TaskExport:
    """The task of a checkpoint's model.  Raises TokenizerError where the tokenizer lacks a token that it needs."""
    model = checkpoint.model
    tokenizer = checkpoint.tokenizer
    if isinstance(model, Translator):
        return TranslatorExport(model, SpecialIds(token_id(tokenizer, START), token_id(tokenizer, END)))
    if isinstance(model, Classifier):
        config = model.config
        special_ids = SpecialIds(token_id(tokenizer, CLASS)) if config.pooling == "first" else NO_SPECIAL_IDS
        return ClassifierExport(model, config.vocab_size, config.labels, config.pairs, config.max_tokens, special_ids)
    return LanguageExport(model, checkpoint.segment_length, checkpoint.special_ids, checkpoint.sampling)


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a special token that must be there."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise TokenizerError(f"the tokenizer has no token {token!r}, which the model was trained with: train it again")
    return found
