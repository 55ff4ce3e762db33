"""A file of lines to a file of answers by a Dask cluster: the same answers as one process gives, in the same order.

The process that calls reads the lines, hands batches out and writes what comes back, so a stopped run goes on.  Each
worker opens the bundle once, from a folder that it sees under the same name.  A batch whose worker is lost is answered
by another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.files import MANIFEST, sha256
from rfa_runtime.cluster.answer import Errand, answer
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.convert import AnsweredBatch, LineReport, convert_file
from rfa_runtime.line_files.text import Line
from rfa_runtime.tasks.lines import LineJob
from rfa_runtime.wording import Setting

try:
    import distributed
except ImportError:  # an extra
    distributed = None

CONNECT_SECONDS = 10
"""Until a scheduler that does not answer is given up."""
AHEAD = 2
"""Batches for each thread of the cluster that wait or are worked on: no more are read of the file."""
RETRIES = 3
"""Times that a batch is tried again when it fails."""


def convert_on_cluster(
    scheduler: str | distributed.Client,
    source: Path | str,
    target: Path | str,
    job: LineJob,
    bundle: Bundle,
    batch: int = 16,
    overwrite: bool = False,
    threads: int | None = 1,
    provider: str = "cpu",
) -> LineReport:
    """Write an answer for every line of a file, as `convert_lines` does.  Raises as it does, too.

    scheduler: the address of a Dask scheduler, such as `tcp://10.0.0.5:8786`, or a client of one.  threads: of a step,
    in each thread of a worker.  provider: where workers run, `cpu` or `cuda`.
    """
    errand = Errand(str(bundle.path.resolve()), sha256(bundle.path / MANIFEST), job, threads, provider)
    with connected(scheduler) as client:
        answer_all = partial(answer_in_order, client, errand)
        return convert_file(source, target, answer_all, bundle, job.settings(), batch, overwrite)


def connected(scheduler: str | distributed.Client) -> AbstractContextManager[Any]:
    """A client of a scheduler, for a `with` block.  Raises OptionError where nobody answers there."""
    if distributed is None:
        raise OptionError(Setting("cluster"), " needs Dask, which is not installed: pip install 'rfa-runtime[cluster]'")
    if not isinstance(scheduler, str):
        return nullcontext(scheduler)
    try:
        return distributed.Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise OptionError(Setting("cluster"), f" is {scheduler}, where no scheduler answers ({error})") from error


def answer_in_order(
    client: distributed.Client, errand: Errand, batches: Iterable[list[Line]]
) -> Iterator[AnsweredBatch]:
    """Hand batches out, a few ahead of what is done, and yield their answers in the order of the file."""
    most = AHEAD * max(1, sum(client.nthreads().values()))
    waiting: deque[distributed.Future] = deque()
    for lines in batches:
        waiting.append(client.submit(answer, errand, lines, pure=False, retries=RETRIES))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
