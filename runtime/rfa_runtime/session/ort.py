"""ONNX Runtime: the one place that imports it, sets it up, and turns its errors into ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rfa_runtime.errors import MissingBackendError, OptionError, SessionError
from rfa_runtime.session.huge_pages import on_huge_pages

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


def open_session(file: Path, threads: int | None, provider: str, long_inputs: bool = False) -> Any:
    """Load a graph as an onnxruntime.InferenceSession.  Raises SessionError, whatever is wrong with the file.

    long_inputs: see session_options.

    Weights outside the bundle's folder are refused by ONNX Runtime itself: absolute paths, `..` and links.
    """
    check_provider(provider)
    try:
        # Without fallback: it prints to standard output, and would quietly decode on another device.
        with on_huge_pages():
            session = onnxruntime.InferenceSession(
                str(file), session_options(threads, long_inputs), providers=[PROVIDERS[provider]], enable_fallback=0
            )
    except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
        raise SessionError(f"ONNX Runtime cannot load {file.name}: {one_line(error)}") from error
    if session.get_providers()[0] != PROVIDERS[provider]:
        raise SessionError(f"ONNX Runtime found no usable {provider} device for {file.name}: is its driver there?")
    return session


def session_options(threads: int | None, long_inputs: bool = False) -> Any:
    """Return options for decoding one token after the other.

    Nodes run in sequence: a step is a chain.  Threads spin between the operators, as ONNX Runtime does by default: a
    chain of 96 small ones took 1.13 ms on two threads that spin, 1.65 ms on two that sleep, 2.06 ms on one.

    No result takes another's place.  Where ONNX Runtime plans that, all places stay until the end; without, a result
    goes when its last reader is done: 4,096 tokens of a prompt took 88 MB in place of 187, and a step 4% less time.

    long_inputs: for a graph that reads whole sequences, of any lengths.  The plan for one block that holds a step's
    results saves 15 us of each step, but another is made, and kept, for every length.  A classifier of 4 layers needed
    277 MB without both plans, 1,748 MB with them, for 16,384 tokens in the same time.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.enable_mem_reuse = False
    options.enable_mem_pattern = not long_inputs
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
