"""What is run where there is a GPU, what is to be known first at the front.  A part is a process that prints JSON."""

from __future__ import annotations

from pathlib import Path

from rfa_bench.parts.part import Part, measurement
from rfa_runtime.bundle.bundle import shipped_bundle

PRECISIONS = ("fp32", "fp16", "int4")
CONTEXTS = "128,1024,8192"
"""Tokens of context of a single row."""
BATCH_CONTEXT = "512"
BATCHES = (16, 64)
PROMPTS = (128, 512, 2048, 8192)
"""Tokens of a prompt."""
DECODED = 256
"""Tokens of the text that a CUDA graph writes."""
EXPORT = "export"
"""The part that others need."""
SMALL = "tiny"
"""The size that all kinds of models have."""


def all_parts(size: str, provider: str, folder: Path) -> list[Part]:
    """Every part for a model of this size.  folder: where bundles are exported to, and used again.

    Each kind of model has a folder inside, for one command at a time writes to a folder.
    """
    language = folder / "language"
    parts = [
        Part("tests", ("rfa_bench.gpu.tests",)),
        Part(EXPORT, ("rfa_bench.gpu.bundles", size, str(language), *PRECISIONS)),
    ]
    for precision in PRECISIONS:
        parts += of_a_bundle(precision, str(language / f"rfa-{precision}.rfa"), provider, needs=EXPORT)
    parts += of_a_bundle("shipped", str(shipped_bundle()), provider)
    for precision in PRECISIONS:
        parts.append(decode(size, provider, language, precision, 1, CONTEXTS))
        for batch in BATCHES:
            parts.append(decode(size, provider, language, precision, batch, BATCH_CONTEXT))
    return parts + other_measurements(size, provider, folder)


def of_a_bundle(name: str, bundle: str, provider: str, needs: str = "") -> list[Part]:
    """What is asked of an RFA bundle."""
    lengths = map(str, PROMPTS)
    return [
        Part(f"placement {name}", ("rfa_bench.gpu.placement", bundle, provider), needs),
        Part(f"captured {name}", ("rfa_bench.gpu.captured", bundle, provider, str(DECODED)), needs),
        Part(f"prompts {name}", ("rfa_bench.gpu.prompts", bundle, provider, *lengths), needs),
    ]


def decode(size: str, provider: str, folder: Path, precision: str, batch: int, contexts: str) -> Part:
    """Time per token, RFA against softmax."""
    options = ["--size", size, "--precision", precision, "--batch", str(batch), "--depths", contexts]
    words = ["decode", *options, "--keep", str(folder), "--provider", provider]
    return measurement(f"decode {precision} {batch}", words, EXPORT)


def other_measurements(size: str, provider: str, folder: Path) -> list[Part]:
    """Measurements of one precision."""
    other = SMALL if size == SMALL else "base"
    language = folder / "language"
    bundle = str(language / "rfa-fp32.rfa")
    translators = str(folder / "translators")
    classifiers = str(folder / "classifiers")
    words = [
        ("overhead", ["overhead", "--size", size, "--keep", str(language)]),
        ("steady", ["steady", bundle, "--tokens", "2000"]),
        ("translate 1", ["translate", "--size", other, "--keep", translators]),
        ("translate 16", ["translate", "--size", other, "--batch", "16", "--keep", translators]),
        ("classify", ["classify", "--size", other, "--keep", classifiers]),
        ("growth", ["growth"]),
    ]
    parts = []
    for name, arguments in words:
        parts.append(measurement(name, [*arguments, "--provider", provider], EXPORT if name == "steady" else ""))
    return parts
