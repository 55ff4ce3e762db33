"""What a worker of the cluster does.  It opens a bundle once, however many batches come."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.files import MANIFEST, sha256
from rfa_runtime.errors import BundleError
from rfa_runtime.line_files.answers import Worker
from rfa_runtime.line_files.convert import AnsweredBatch, answer_batch
from rfa_runtime.line_files.text import Line
from rfa_runtime.tasks.lines import LineJob


@dataclass(frozen=True)
class Errand:
    """What is to be done with lines, and with which bundle."""

    bundle: str
    """Its folder, the same on all machines."""
    manifest: str
    """sha256 of its manifest."""
    job: LineJob
    threads: int | None
    provider: str

    def __hash__(self) -> int:
        """Of what the answers depend on: jobs hold tables, which have no hash of their own."""
        return hash((self.bundle, self.manifest, json.dumps(self.job.settings()), self.threads, self.provider))


def answer(errand: Errand, lines: list[Line]) -> AnsweredBatch:
    """Answer some lines.  Raises BundleError where this machine has another bundle in the folder."""
    return answer_batch(lines, opened(errand))


@lru_cache(maxsize=1)
def opened(errand: Errand) -> Worker[str, str]:
    """The bundle, ready for its job."""
    folder = Path(errand.bundle)
    bundle = read_bundle(folder)
    if sha256(folder / MANIFEST) != errand.manifest:
        raise BundleError(f"{folder} holds another bundle on this machine: copy the same one to all machines")
    return errand.job.worker(bundle, errand.threads, errand.provider)
