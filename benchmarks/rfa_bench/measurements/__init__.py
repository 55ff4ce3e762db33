"""How each figure is taken: a file for each command, and one for their plots.

`measurements.decode` loads its module on first use (PEP 562), and with it torch or ONNX Runtime: `--help` and a wrong
option are answered without them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from rfa_runtime.interrupt import held_back

if TYPE_CHECKING:
    from rfa_bench.measurements import (
        agreement,
        classify,
        company,
        ctranslate2,
        decode,
        export,
        growth,
        load,
        memory,
        operators,
        overhead,
        page,
        paper,
        plots,
        prefill,
        programs,
        provider,
        roofline,
        scale,
        score,
        speculation,
        steady,
        streams,
        subject,
        suite,
        targets,
        train,
        translate,
    )

__all__ = [
    "agreement",
    "classify",
    "company",
    "ctranslate2",
    "decode",
    "export",
    "growth",
    "load",
    "memory",
    "operators",
    "overhead",
    "page",
    "paper",
    "plots",
    "prefill",
    "programs",
    "provider",
    "roofline",
    "scale",
    "score",
    "speculation",
    "steady",
    "streams",
    "subject",
    "suite",
    "targets",
    "train",
    "translate",
]


def __getattr__(name: str) -> ModuleType:
    """Load the module of this name; Ctrl-C waits until it is there."""
    if name in __all__:
        with held_back():
            return import_module(f"rfa_bench.measurements.{name}")
    raise AttributeError(f"module 'rfa_bench.measurements' has no attribute {name!r}")
