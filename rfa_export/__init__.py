"""Rewrite Random Feature Attention models into step graphs and export them as verified bundles.

`export_file` takes a checkpoint of rfa-train, whatever its task, and `export_module` any torch module around the
attention layers of rfa_models; `export_task` exports translators and classifiers other than those of rfa_models.  A
bundle that exists already is refused with BundleExistsError unless `overwrite=True`.

Example:
    from rfa_export import ExportConfig, export_file, inspect_bundle

    small = ExportConfig(targets=("ort", "plain"), precision="int4")
    export_file("model.pt", "small.rfa", config=small)
    print(inspect_bundle("small.rfa").state_bytes)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_export.commands.inspection import GraphFacts, Inspection, inspect_bundle
    from rfa_export.errors import ExportError
    from rfa_export.pipeline import Exported, export, export_file, export_module, export_task
    from rfa_export.targets.export_config import ExportConfig
    from rfa_export.tasks.classification import ClassifierExport
    from rfa_export.tasks.language import LanguageExport
    from rfa_export.tasks.translation import TranslatorExport
    from rfa_export.verification.report import Report
    from rfa_export.version import __version__

__all__ = [
    "ClassifierExport",
    "ExportConfig",
    "ExportError",
    "Exported",
    "GraphFacts",
    "Inspection",
    "LanguageExport",
    "Report",
    "TranslatorExport",
    "__version__",
    "export",
    "export_file",
    "export_module",
    "export_task",
    "inspect_bundle",
]

HOMES = {
    "commands.inspection": ("GraphFacts", "Inspection", "inspect_bundle"),
    "errors": ("ExportError",),
    "pipeline": ("Exported", "export", "export_file", "export_module", "export_task"),
    "targets.export_config": ("ExportConfig",),
    "tasks.classification": ("ClassifierExport",),
    "tasks.language": ("LanguageExport",),
    "tasks.translation": ("TranslatorExport",),
    "verification.report": ("Report",),
    "version": ("__version__",),
}
"""Modules are loaded when a name of theirs is first used: `rfa-export --help` need not wait for torch."""


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"rfa_export.{module}"), name)
    raise AttributeError(f"module 'rfa_export' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for completion in a console."""
    return __all__
