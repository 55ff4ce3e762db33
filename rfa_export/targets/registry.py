"""All targets by name."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.errors import TargetError
from rfa_export.targets.genai import GenAiTarget
from rfa_export.targets.onnx27 import Onnx27
from rfa_export.targets.ort import Ort
from rfa_export.targets.plain import Plain
from rfa_export.targets.target import Target
from rfa_export.targets.torchscript import TorchScript

ALL: tuple[Target, ...] = (Ort(), Onnx27(), Plain(), GenAiTarget(), TorchScript())
TARGETS = {target.name: target for target in ALL}


def targets_of(names: Sequence[str]) -> list[Target]:
    """The targets of these names, each once.  Raises TargetError for a name that nobody has."""
    for name in names:
        if name not in TARGETS:
            raise TargetError(f"target {name!r} came, wanted one or more of {', '.join(TARGETS)}, with commas")
    return [TARGETS[name] for name in dict.fromkeys(names)]
