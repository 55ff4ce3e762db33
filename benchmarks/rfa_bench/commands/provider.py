"""Whether a measurement can run where `--provider` says, asked before anything is exported."""

from __future__ import annotations

from rfa_bench import measurements
from rfa_export.errors import TargetError
from rfa_export.precision import BLOCK, Precision

CPU = "cpu"
"""Always there: neither ONNX Runtime nor torch need be loaded to say so."""


def check_provider(provider: str, weights: Precision | None = None) -> None:
    """Raise OptionError where this ONNX Runtime lacks the provider, TargetError where it lacks kernels for the weights.

    weights: of the graphs that will run there.
    """
    if provider == CPU:
        return
    if weights is not None and weights.quantized and weights.block > BLOCK:
        raise TargetError(
            f"blocks of {weights.block} weights came, CUDA's kernels have {BLOCK} at most: --block-size 128"
        )
    measurements.provider.check_onnxruntime(provider)


def check_torch(provider: str) -> None:
    """Raise ConfigError where this torch lacks the provider's device."""
    if provider != CPU:
        measurements.provider.check_torch(provider)
