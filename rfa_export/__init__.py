"""Rewrite Random Feature Attention models into step graphs and export them as verified bundles.

Example:
    exported = export(load_checkpoint(Path("model.pt")), Path("model.rfa"))    # of any task
    exported = export_module(my_module, Path("mine.rfa"))      # any torch module around RfaAttention

`pipeline.export_task` exports other translators and classifiers than those of rfa_models.
"""

from rfa_export.errors import ExportError
from rfa_export.pipeline import Exported, export, export_module
from rfa_export.version import __version__

__all__ = ["ExportError", "Exported", "__version__", "export", "export_module"]
