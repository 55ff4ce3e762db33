"""ONNX Runtime: the one place that imports it, sets it up, and turns its errors into ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rfa_runtime.errors import MissingBackendError, OptionError, SessionError

try:
    import onnxruntime
except ImportError as error:
    raise MissingBackendError(
        "ONNX Runtime is not installed: pip install 'rfa-runtime[cpu]', or 'rfa-runtime[gpu]' for CUDA"
    ) from error

OrtValue = onnxruntime.OrtValue
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
FATAL = 4
"""Whatever ONNX Runtime would print as an error it also raises, and we report that in one line."""


def open_session(file: Path, threads: int | None, provider: str) -> Any:
    """Load a graph as an onnxruntime.InferenceSession.  Raises SessionError, whatever is wrong with the file.

    Weights outside the bundle's folder are refused by ONNX Runtime itself: absolute paths, `..` and links.
    """
    check_provider(provider)
    try:
        # Without fallback: it prints to standard output, and would quietly decode on another device.
        session = onnxruntime.InferenceSession(
            str(file), session_options(threads), providers=[PROVIDERS[provider]], enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
        raise SessionError(f"ONNX Runtime cannot load {file.name}: {one_line(error)}") from error
    if session.get_providers()[0] != PROVIDERS[provider]:
        raise SessionError(f"ONNX Runtime found no usable {provider} device for {file.name}: is its driver there?")
    return session


def session_options(threads: int | None) -> Any:
    """Return options for decoding one token after the other.

    Nodes run in sequence: a step is a chain.  Threads spin between the operators, as ONNX Runtime does by default: a
    chain of 96 small ones took 1.13 ms on two threads that spin, 1.65 ms on two that sleep, 2.06 ms on one.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    return options


def check_provider(provider: str) -> None:
    """Raise OptionError for a provider that nobody knows or that this installation lacks."""
    if provider not in PROVIDERS:
        raise OptionError(f"provider is {provider!r}, wanted {' or '.join(PROVIDERS)}")
    if PROVIDERS[provider] not in onnxruntime.get_available_providers():
        raise OptionError(f"this ONNX Runtime has no {PROVIDERS[provider]}: install 'rfa-runtime[gpu]' in its place")


def one_line(error: Exception) -> str:
    """The first words of a message that may be a page long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
