"""Where ONNX Runtime and torch can compute here."""

from __future__ import annotations

from rfa_models.training.device import choose_device
from rfa_runtime.session.ort import check_provider


def check_onnxruntime(provider: str) -> None:
    """Raise OptionError for a provider that this ONNX Runtime lacks."""
    check_provider(provider)


def check_torch(provider: str) -> None:
    """Raise ConfigError for a device that this torch lacks."""
    choose_device(provider)
