"""ONNX Runtime: the one place that imports it, sets it up, holds graphs to their manifest, and words its errors."""

from __future__ import annotations

import io
import mmap
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rfa_runtime.bundle.bundle import WEIGHTS_SUFFIX
from rfa_runtime.bundle.files import total_bytes
from rfa_runtime.ending import IN_COMMAND
from rfa_runtime.errors import MissingBackendError, OptionError, SessionError
from rfa_runtime.session.huge_pages import WORTH_IT, on_huge_pages
from rfa_runtime.threads import check_threads, usable_cores

try:
    import onnxruntime
except ImportError as error:
    raise MissingBackendError(
        "ONNX Runtime is not installed: pip install 'rfa-runtime[cpu]', or 'rfa-runtime[gpu]' for CUDA"
    ) from error

OrtValue = onnxruntime.OrtValue
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PROVIDER_OPTIONS: dict[str, dict[str, str]] = {"cpu": {}, "cuda": {"use_tf32": "0"}}
"""By default, CUDA multiplies float32 as TF32, with 10 bits after the point in place of 23."""
NO_SETTINGS: Mapping[str, str] = {}
WORTH_SHARING = 8_000_000
"""Bytes of weights from which a second thread pays; between the two sizes that were measured."""
SPIN_US = "20"
OLDEST = (1, 25, 1)
"""The version that first had LinearAttention.  runtime/setup.cfg asks for it, in extras that one need not install."""
FATAL = 4
"""Whatever ONNX Runtime would print as an error it also raises, and we report that in one line."""
PROFILES: ContextVar[Path | None] = ContextVar("PROFILES", default=None)
"""A folder for measurements: graphs that are loaded write there how long each operator took, when they go."""

if IN_COMMAND.get():
    # Its default logger speaks where no session is yet.  It is one for the whole process, so a host keeps its own.
    onnxruntime.set_default_logger_severity(FATAL)


class Value(Protocol):
    """An input or an output of a graph."""

    name: str


class Session(Protocol):
    """What is used of an onnxruntime.InferenceSession, which has no types of its own."""

    def run(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Run the graph on arrays.  Returns the outputs in the order of their names."""

    def run_with_iobinding(self, binding: Any) -> None:
        """Run the graph on buffers that were bound before."""

    def io_binding(self) -> Any:
        """Return an object that buffers can be bound to."""

    def get_inputs(self) -> list[Value]:
        """Return what the graph takes."""

    def get_outputs(self) -> list[Value]:
        """Return what the graph gives."""


def open_session(
    file: Path,
    threads: int | None,
    provider: str,
    long_inputs: bool = False,
    huge_pages: bool = True,
    weights: Sequence[Path] = (),
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Session:
    """Load a graph.  Raises SessionError, whatever is wrong with the file, OptionError for a wrong setting.

    threads: of one step; None takes as many as pay.  provider: `cpu` or `cuda`.  long_inputs: see session_options.
    huge_pages: see huge_pages.py.  weights: checked files, taken where the graph names them.  settings: of the
    provider, over ours.

    ONNX Runtime itself reads weights in the graph's folder alone: not by absolute paths, `..`, or links that lead out.
    """
    given = None if threads is None else check_threads(threads)
    check_provider(provider)
    try:
        if provider == "cuda":
            load_cuda()
        size = size_with_weights(file)
        wanted = PROVIDER_OPTIONS[provider] | dict(settings)
        large = huge_pages and size >= WORTH_IT
        options = session_options(given or threads_that_pay(size, long_inputs), long_inputs)
        profile(options, file)
        # Without fallback: it prints to standard output, and would quietly decode on another device.
        with on_huge_pages() if large else nullcontext(), given_weights(options, weights):
            session = onnxruntime.InferenceSession(
                str(file), options, [PROVIDERS[provider]], [wanted], enable_fallback=0
            )
    except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
        raise SessionError(f"ONNX Runtime cannot load {file.name}{age_note()}: {shortened(error)}") from error
    if session.get_providers()[0] != PROVIDERS[provider]:
        raise SessionError(
            f"ONNX Runtime found no usable {provider} device for {file.name}: are its driver and libraries there?"
        )
    return session


def profile(options: Any, file: Path) -> None:
    """Let a session of a graph write how long each operator took, where a measurement asks for that."""
    folder = PROFILES.get()
    if folder is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / file.stem)


def load_cuda() -> None:
    """Load the libraries of CUDA that pip installed, which ONNX Runtime does not find by itself.

    It prints which ones pip did not install; they may be the system's, so that is no error yet.
    """
    with redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()


def age_note() -> str:
    """What to say of a version that is older than any we run on; nothing of others."""
    if installed_version() >= OLDEST:
        return ""
    wanted = ".".join(map(str, OLDEST))
    return f", it is version {onnxruntime.__version__}, wanted {wanted} or newer"


def installed_version() -> tuple[int, ...]:
    """The first three numbers of ONNX Runtime's version."""
    numbers = re.findall(r"\d+", onnxruntime.__version__)
    return tuple(map(int, numbers[:3]))


def size_with_weights(file: Path) -> int:
    """Bytes of a graph and of the weights beside it."""
    beside = [found for found in file.parent.glob("*" + WEIGHTS_SUFFIX) if found.is_file()]
    return total_bytes([file, *beside])


@contextmanager
def given_weights(options: Any, weights: Sequence[Path]) -> Iterator[None]:
    """Hand files of weights to a session that is made in the `with` block: then it need not look for them."""
    with ExitStack() as stack:
        maps = []
        for file in weights:
            stream = stack.enter_context(file.open("rb"))
            maps.append(stack.enter_context(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)))
        if maps:
            names = [file.name for file in weights]
            options.add_external_initializers_from_files_in_memory(names, maps, list(map(len, maps)))
        yield


def run_error(file: str, error: Exception) -> SessionError:
    """What is raised where a graph was loaded and then fails."""
    return SessionError(f"ONNX Runtime failed in {file}: {shortened(error)}")


def threads_that_pay(size: int, long_inputs: bool = False) -> int:
    """Return how many threads to take where nobody says it.  size: bytes of the graph and its weights.

    A step of a small model is a chain of operators too small to share: with 3.6 MB of weights two threads took 0.9 to
    1.2 times as long as one on an idle machine, and 1.7 times beside a busy process.  With 13 MB they took 0.7 times.
    long_inputs: a whole text at once, which is enough to share.
    """
    if size < WORTH_SHARING and not long_inputs:
        return 1
    return usable_cores()


def session_options(threads: int, long_inputs: bool = False) -> Any:
    """Return options for decoding one token after the other.

    Nodes run in sequence: a step is a chain.  Threads that wait spin for 20 us, longer than one operator of a step
    mostly takes, then they sleep.  On an idle machine a step took 1.03 to 1.05 times as long as with the second of
    spinning that is ONNX Runtime's own, and 1.0 to 1.5 times as long without any.  Beside a busy process the second
    took 1.2 to 1.8 times as long.

    No result takes another's place.  Where ONNX Runtime plans that, all places stay until the end; without, a result
    goes when its last reader is done: 4,096 tokens of a prompt took 88 MB in place of 187, and a step 4% less time.

    long_inputs: for a graph that reads whole sequences, of any lengths.  The plan for one block that holds a step's
    results saves 15 us of each step, but another is made, and kept, for every length.  A classifier of 4 layers needed
    277 MB without both plans, 1,748 MB with them, for 16,384 tokens in the same time.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_US)
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


def check_known(file: str, what: str, declared: Collection[str], needed: str, known: Collection[str]) -> None:
    """Raise SessionError for names in the manifest that this runtime does not know, or where one that it needs lacks.

    what: `inputs` or `outputs`, for the message.
    """
    unknown = set(declared) - set(known)
    if unknown or needed not in declared:
        raise SessionError(
            f"{file} has the {what} {sorted(declared)}, this runtime needs {needed!r} and knows {sorted(known)}: "
            "export the bundle again"
        )


def check_graph(session: Session, file: str, inputs: Collection[str], outputs: Collection[str]) -> None:
    """Raise SessionError unless the graph has just these inputs and outputs, its states among them."""
    for what, found, declared in (
        ("inputs", session.get_inputs(), inputs),
        ("outputs", session.get_outputs(), outputs),
    ):
        odd = {value.name for value in found} ^ set(declared)
        if odd:
            raise SessionError(f"{file} and the manifest disagree on the {what} {sorted(odd)}: export the bundle again")


def shortened(error: Exception) -> str:
    """The first words of a message that may be a page long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
