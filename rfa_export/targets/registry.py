"""The code behind each name of `catalogue.py`."""

from __future__ import annotations

from rfa_export.targets.catalogue import ORT, PLAIN
from rfa_export.targets.export_config import ExportConfig
from rfa_export.targets.genai import GenAiTarget
from rfa_export.targets.mobile import Mobile
from rfa_export.targets.onnx27 import Onnx27
from rfa_export.targets.ort import Ort
from rfa_export.targets.plain import Plain
from rfa_export.targets.target import Target
from rfa_export.targets.torchscript import TorchScript
from rfa_export.targets.triton import Triton
from rfa_export.targets.web import Web

ALL: tuple[Target, ...] = (Ort(), Onnx27(), Plain(), GenAiTarget(), TorchScript(), Mobile(), Web(), Triton())
REGISTRY = {target.name: target for target in ALL}
"""By name, in the catalogue's order."""


def targets_of(config: ExportConfig) -> list[Target]:
    """The targets that an export is asked for, each once."""
    chosen = dict(REGISTRY)
    if config.opset is not None:
        chosen[PLAIN.name] = Plain(config.opset)
    if config.throughput:
        chosen[ORT.name] = Ort(throughput=True)
    return [chosen[name] for name in dict.fromkeys(config.targets)]
