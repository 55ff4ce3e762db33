"""Rewrite Random Feature Attention models into step graphs and export them as verified bundles.

Example:
    exported = export(load_checkpoint(Path("model.pt")), Path("model.rfa"))    # of any task
    exported = export_module(my_module, Path("mine.rfa"))      # any torch module around RfaAttention

`pipeline.export_task` exports other translators and classifiers than those of rfa_models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_export.errors import ExportError
    from rfa_export.pipeline import Exported, export, export_module
    from rfa_export.version import __version__

__all__ = ["ExportError", "Exported", "__version__", "export", "export_module"]

HOMES = {
    "errors": ("ExportError",),
    "pipeline": ("Exported", "export", "export_module"),
    "version": ("__version__",),
}
"""Modules are loaded when a name of theirs is first used: the processes of `runtimes/` need no torch."""


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"rfa_export.{module}"), name)
    raise AttributeError(f"module 'rfa_export' has no attribute {name!r}")
