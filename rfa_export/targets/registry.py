"""All targets by name."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.errors import TargetError
from rfa_export.precision import Precision
from rfa_export.targets.genai import GenAiTarget
from rfa_export.targets.mobile import Mobile
from rfa_export.targets.onnx27 import Onnx27
from rfa_export.targets.ort import Ort
from rfa_export.targets.plain import Plain
from rfa_export.targets.target import Target
from rfa_export.targets.torchscript import TorchScript

ALL: tuple[Target, ...] = (Ort(), Onnx27(), Plain(), GenAiTarget(), TorchScript(), Mobile())
TARGETS = {target.name: target for target in ALL}


def targets_of(names: Sequence[str], precision: Precision, opset: int | None = None) -> list[Target]:
    """The targets of these names, each once.

    opset: of target `plain`.  Raises TargetError for a name that nobody has, and for a precision or an opset that one
    of them cannot have.
    """
    for name in names:
        if name not in TARGETS:
            raise TargetError(f"target {name!r} came, wanted one or more of {', '.join(TARGETS)}, with commas")
        if precision.name not in TARGETS[name].precisions:
            can = [target.name for target in ALL if precision.name in target.precisions]
            raise TargetError(
                f"target {name} cannot have {precision.name} weights, wanted {' or '.join(TARGETS[name].precisions)}; "
                f"with {precision.name} there are the targets {', '.join(can)}"
            )
    if opset is None:
        return [TARGETS[name] for name in dict.fromkeys(names)]
    if Plain.name not in names:
        raise TargetError(f"opset {opset} came, but only target {Plain.name} has a choice of it: add it to the targets")
    chosen = TARGETS | {Plain.name: Plain(opset, precision)}
    return [chosen[name] for name in dict.fromkeys(names)]
