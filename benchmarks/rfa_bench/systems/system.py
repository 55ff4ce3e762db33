"""A system: the program that decodes, the file that it reads, and what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rfa_bench.processes.ask import command_of
from rfa_bench.subjects.moved_bytes import weight_bytes
from rfa_bench.systems.subject import RFA, Subject
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import MODEL, THROUGHPUT
from rfa_runtime.session.step import MANY_TEXTS

FLOAT32_BYTES = 4
FLOAT16_BYTES = 2
WHOLE_FILES = (".gguf", ".pt")
"""A step reads all of such a file, but for some names and settings."""


@dataclass(frozen=True)
class System:
    """One way to decode."""

    name: str
    """In tables, and for `--systems`."""
    summary: str
    """One line for `--help`."""
    attention: str
    """`rfa` or `softmax`."""
    decoder: str
    """Its program in `processes/decoders`."""
    file: Callable[[Subject], Path]
    """Writes what the program reads."""
    options: tuple[str, ...] = ()
    """For the program, behind the file, threads and provider."""
    needs: tuple[str, ...] = ()
    """Modules of packages that we do not ask for."""
    packages: str = ""
    """That bring them."""
    cache_bytes: int = FLOAT32_BYTES
    """Of a number of a softmax cache."""
    precisions: tuple[str, ...] | None = None
    """That its weights can have; None for all.  The last is taken where the subject has another."""
    on_gpu: bool = False
    """Whether its program takes another provider than the processor."""
    many_rows: bool = True
    """Whether it decodes several texts at once."""
    reads_prompts: bool = True
    """Whether it reads the tokens of a prompt together."""
    longest_read: int | None = None
    """Tokens beyond which reading takes too long to be measured."""

    def missing(self) -> str | None:
        """Why it cannot be measured here; None where it can."""
        if all(map(find_spec, self.needs)):
            return None
        return f"needs {self.packages}"

    def objection(self, tokens: int, batch: int = 1, prompt: bool = False, provider: str = "cpu") -> str | None:
        """Why it is not measured so; None where it is.

        tokens: of the context.  prompt: whether it is the reading of them that is measured.
        """
        if provider != "cpu" and not self.on_gpu:
            return "runs on the processor"
        if batch > 1 and not self.many_rows:
            return "decodes one text"
        if prompt and not self.reads_prompts:
            return "reads token by token"
        if self.longest_read is not None and tokens > self.longest_read:
            return f"not measured beyond {self.longest_read:,} tokens: reading them takes too long"
        return None

    def precision(self, subject: Subject) -> str:
        """What its weights have."""
        if self.precisions is None:
            return subject.weights.label
        name = subject.weights.weights.name
        return name if name in self.precisions else self.precisions[-1]

    def command(self, subject: Subject, threads: int, provider: str) -> list[str]:
        """The command line of its program.  Writes the file that it reads where it is not there yet."""
        decoder = f"decoders.{self.decoder}"
        return command_of(decoder, self.file(subject), threads, provider, *self.options)

    def moved_bytes(self, subject: Subject, tokens: int, batch: int) -> int:
        """What a step must move: its weights once, a state in and out, a cache once."""
        times = 2 if self.attention == RFA else 1
        return self.weight_bytes(subject, batch) + times * self.state_bytes(subject, tokens, batch)

    def weight_bytes(self, subject: Subject, batch: int) -> int:
        """Bytes of the weights that a step of so many texts reads."""
        file = self.file(subject)
        if file.suffix in WHOLE_FILES:
            return file.stat().st_size
        bundle = read_bundle(file if file.is_dir() else file.parent, check_hashes=False)
        many = batch >= MANY_TEXTS and THROUGHPUT in bundle.manifest.graphs and self.decoder == "runtime"
        return weight_bytes(bundle, THROUGHPUT if many else MODEL)

    def state_bytes(self, subject: Subject, tokens: int, batch: int) -> int:
        """What must be kept between two steps: for a cache, the keys and values of the tokens so far."""
        if self.attention == RFA:
            states = read_bundle(subject.bundle(RFA), check_hashes=False).manifest.state
            return batch * sum(state.row_bytes() for state in states)
        attention = subject.config.attention
        return 2 * batch * tokens * subject.config.layers * attention.width * self.cache_bytes
