"""What `rfa-bench all` runs, what matters most at the front.

A line is a part: its name, a colon, and what is written behind `rfa-bench`.  Words in braces stand for others, see
WORDS.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rfa_bench.parts.part import Part, measurement
from rfa_bench.suite.results import ResultError

WEIGHTS = "--size gpt2-small --precision int4 --block-size 256 --throughput"
"""The shape and the weights of the figures that count."""
WORDS = {
    "weights": WEIGHTS,
    "best": f"{WEIGHTS} --threads 2",
    "int4": "--precision int4 --block-size 256 --threads 2",
    "exports": "rfa,softmax,concatenated,llama.cpp,llama.cpp-plain",
    "strong": "rfa,softmax,llama.cpp,llama.cpp-plain",
    "runtimes": "rfa,rfa-genai,rfa-openvino,rfa-torch,rfa-torchscript,softmax,softmax-genai",
    "elsewhere": "--rounds 3 --ctranslate2",
}
QUICK = """
decode int4: decode {best} --systems {exports} --depths 128,1024,4096 --starts 1
torch: decode {best} --systems rfa,torch-eager,torch-compiled --depths 1024 --starts 1 --rounds 2
batch int4: batch {best} --systems {exports} --batches 16 --depth 512 --starts 1 --rounds 2
prefill int4: prefill {best} --systems {strong} --lengths 128,512,2048 --rounds 2
memory int4: memory {best} --systems {strong} --depths 128,4096
load int4: load {best} --clients 16 --seconds 60 {server}
paper: paper --size base --lengths 32,512 --rounds 2 --threads 2
train: train --size small --lengths 512,2048 --rounds 2 --threads 2
roofline: roofline --size gpt2-small --precisions int4 --block-size 256 --threads 2 --starts 1
runtimes: decode --size tiny --systems all --depths 128 --starts 1
"""
"""Meant for a quarter of an hour on two cores."""
FULL = """
decode int4: decode {best} --systems {exports} --depths 128,1024,4096,16384 --starts 2
batch int4: batch {best} --systems {exports} --batches 1,4,16 --depth 2048 --starts 1 --rounds 3
paper: paper --size base --threads 2
load int4: load {best} --clients 64 --seconds 540 --rounds 5 {server}
streams int4: streams {best} --streams 16 --seconds 220 --rounds 7 --prompt-tokens 64 --text-tokens 256 --compared 64
company int4: company {best} --streams 16
prefill int4: prefill {best} --systems {strong} --lengths 128,512,2048,4096,16384 --rounds 2
memory int4: memory {best} --systems {strong} --depths 128,2048,8192
torch: decode {best} --systems rfa,torch-eager,torch-compiled --depths 128,1024,4096 --starts 1
runtimes int4: decode {best} --systems {runtimes} --depths 128 --starts 1
operators int4: operators {best}
operators int4 prompt: operators {best} --tokens 256
operators int4 batch: operators {best} --batch 16
roofline: roofline --size gpt2-small --block-size 256 --threads 2
train: train --size small --threads 2 --rounds 2
company: company
steady: steady --tokens 200000
speculation: speculation
overhead: overhead --size gpt2-small --threads 2
growth: growth
programs: programs
page: page
scale: scale
export: export --size gpt2-small
decode fp32: decode --size gpt2-small --threads 2 --systems {exports} --depths 128,1024,4096 --starts 1
decode int8: decode --size gpt2-small --precision int8 --threads 2 --systems {strong} --depths 128,1024,4096 --starts 1
decode int4 one thread: decode {weights} --threads 1 --systems {strong} --depths 128,1024,4096 --starts 1
decode 16 vectors: decode {best} --vectors 16 --systems rfa,softmax --depths 128,4096 --starts 1
decode 256 vectors: decode {best} --vectors 256 --systems rfa,softmax --depths 128,4096 --starts 1
batch int4 64: batch {best} --systems {strong} --batches 64 --depth 512 --starts 1 --rounds 2
decode tiny: decode --size tiny --threads 2 --systems {exports} --depths 128,1024,4096,16384,65536 --starts 1
translate: translate --size base --batch 16 --threads 2 --sources 32,2048 --targets 32,512,2048 {elsewhere}
classify: classify --size base --threads 2
targets: targets --size gpt2-small --precisions fp32,int4 --threads 2
decode one billion: decode --size one-billion {int4} --systems rfa,softmax,llama.cpp-plain --depths 128,1024 --starts 1
"""
"""Meant for three hours."""
OTHER_MODELS = ("translate", "paper", "classify")
"""Measurements of models that are no language models."""
MAKES_NO_MODEL = ("train",)
"""Measurements that have nothing to keep."""
QUICK_LIMIT = 300
"""Seconds after which a part is ended."""
FULL_LIMIT = 3600


def parts_of(plan: str, folder: Path, llama_server: str | None) -> list[Part]:
    """The parts of a plan.

    folder: where models are written to, and used again.  llama_server: a program to measure beside ours.
    """
    server = "" if llama_server is None else f"--llama-server {shlex.quote(llama_server)}"
    found = []
    for line in plan.strip().splitlines():
        name, _, command = line.partition(": ")
        words = shlex.split(command.format(**WORDS, server=server))
        found.append(measurement(name, [*words, *kept(words, folder)]))
    return found


def kept(words: list[str], folder: Path) -> list[str]:
    """Where a measurement keeps its models: language models of one shape lie together, others by their command."""
    if words[0] in MAKES_NO_MODEL or "--size" not in words:
        return []
    size = words[words.index("--size") + 1]
    name = f"{words[0]}-{size}" if words[0] in OTHER_MODELS else size
    return ["--keep", str(folder / name)]


def only(parts: list[Part], names: Sequence[str]) -> list[Part]:
    """The parts of these names.  Raises ResultError for a name that no part has."""
    unknown = sorted(set(names) - {part.name for part in parts})
    if unknown:
        raise ResultError(f"there is no part {unknown[0]!r}, wanted some of {', '.join(part.name for part in parts)}")
    return [part for part in parts if part.name in names]
