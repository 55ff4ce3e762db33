"""Bundles that are not what they seem: manifests, tokenizers, graphs and the places of weights.

The manifest has the right sizes and sums wherever it is not itself what is changed: else nothing behind it is reached.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from case import Case, bundle_files, entry_of
from hypothesis import strategies as st
from mutations import changed_json, scarred
from onnx import ModelProto, TensorProto, load_model_from_string
from tokenizer_documents import TOKENIZERS
from toy_bundles import toy_files, toy_manifest
from toy_classifiers import write_classifier
from toy_translator import write_toy_translator

from rfa_runtime.bundle.bundle import write_bundle

BUNDLE = "toy.rfa"
TEXT = "Once upon"
WAYS: dict[str, list[tuple[str, ...]]] = {
    "language": [(TEXT, "--max-new-tokens", "4"), ("--score", "text.txt"), (TEXT, "--seed", "1", "--json")],
    "softmax": [(TEXT, "--max-new-tokens", "4"), ("--score", "text.txt")],
    "translator": [(TEXT,), (TEXT, "--beam", "2"), ("--input", "text.txt")],
    "softmax translator": [(TEXT,), (TEXT, "--beam", "2")],
    "classifier": [(TEXT,), ("--input", "text.txt")],
}
TEXT_FILE = {"text.txt": b"To be, or not to be,\nthat is the question.\n"}
PARITY = {
    "ort": {
        "checked": True,
        "runtime": "x",
        "tokens_equal": 1,
        "tokens_compared": 1,
        "max_abs_error": 0.1,
        "others": [],
    },
    "plain": {"checked": False, "runtime": "y", "reason": "not installed", "others": [{"runtime": "z"}]},
}
"""What the exporter says of targets; nobody but `rfa-inspect` reads it."""
LOCATIONS = ["", "x", "../x", "/etc/passwd", "weights.data", "model.onnx", ".", "manifest.json", "weights.data\x00"]
NUMBERS = ["0", "1", "-1", "8224", "16448", "9" * 12, "9" * 30, "", "x", "4294967296", "9223372036854775807"]


def small_bundles() -> dict[str, dict[str, bytes]]:
    """The files of a small bundle of each kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bundle(folder / "language", toy_manifest(), toy_files())
        write_bundle(folder / "softmax", toy_manifest("softmax"), toy_files("softmax"))
        write_toy_translator(folder / "translator")
        write_toy_translator(folder / "softmax translator", "softmax")
        write_classifier(folder / "classifier")
        return {kind: bundle_files(folder / kind) for kind in WAYS}


BUNDLES = small_bundles()
kinds = st.sampled_from(sorted(BUNDLES))


@st.composite
def case_of(draw: st.DrawFn, kind: str, bundle: dict[str, bytes]) -> Case:
    """One of the ways to run a bundle."""
    files = {f"{BUNDLE}/{name}": content for name, content in bundle.items()}
    if not draw(st.integers(0, 3)):
        return Case(files, "rfa-inspect", draw(st.sampled_from([(BUNDLE,), (BUNDLE, "--json")])))
    way = draw(st.sampled_from(WAYS[kind]))
    return Case(TEXT_FILE | files, "rfa-run", (BUNDLE, *way))


def with_file(bundle: dict[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    """A bundle with another file, or a file in place of its own."""
    manifest: dict[str, Any] = json.loads(bundle["manifest.json"])
    manifest["files"][name] = entry_of(content)
    return bundle | {name: content, "manifest.json": json.dumps(manifest).encode()}


@st.composite
def manifests(draw: st.DrawFn) -> Case:
    """A changed manifest."""
    kind = draw(kinds)
    bundle = BUNDLES[kind]
    changed = draw(changed_json(json.loads(bundle["manifest.json"]) | {"parity": PARITY}))
    return draw(case_of(kind, bundle | {"manifest.json": changed}))


@st.composite
def tokenizers(draw: st.DrawFn) -> Case:
    """A changed tokenizer."""
    kind = draw(kinds)
    document = draw(st.sampled_from(TOKENIZERS))
    return draw(case_of(kind, with_file(BUNDLES[kind], "tokenizer.json", draw(changed_json(document)))))


@st.composite
def graphs(draw: st.DrawFn) -> Case:
    """A graph with damaged bytes."""
    kind = draw(kinds)
    names = [name for name in BUNDLES[kind] if name.endswith(".onnx")]
    name = draw(st.sampled_from(sorted(names)))
    return draw(case_of(kind, with_file(BUNDLES[kind], name, draw(scarred(BUNDLES[kind][name])))))


@st.composite
def weight_places(draw: st.DrawFn) -> Case:
    """A graph whose weights lie in another file, wherever it says, and as many as it says."""
    kind = draw(kinds)
    model = load_model_from_string(BUNDLES[kind]["model.onnx"])
    data = moved_weight(draw, model)
    bundle = with_file(BUNDLES[kind], "model.onnx", model.SerializeToString())
    return draw(case_of(kind, with_file(bundle, "weights.data", data)))


def moved_weight(draw: st.DrawFn, model: ModelProto) -> bytes:
    """Take a weight out of a graph.  Returns the contents of its file."""
    weights = model.graph.initializer
    tensor = weights[draw(st.integers(0, len(weights) - 1))]
    data = bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    places = {
        "location": draw(st.sampled_from(["weights.data"] * 5 + LOCATIONS)),
        "offset": draw(st.sampled_from(NUMBERS)),
        "length": draw(st.sampled_from([str(len(data)), *NUMBERS])),
    }
    for key, value in places.items():
        if draw(st.integers(0, 9)):
            entry = tensor.external_data.add()
            entry.key = key
            entry.value = value
    if draw(st.booleans()):
        tensor.dims.append(draw(st.sampled_from([0, 1, -1, 2, 2**31, 2**62])))
    return data
