"""What a bundle can be written for: names, one line each, and what their runtimes can read.

Command lines and settings are checked against this list, so it imports neither torch nor onnx.  `registry.py` has the
code behind each name.
"""

from __future__ import annotations

from dataclasses import dataclass

from rfa_runtime.bundle.interface import OUR_TARGET


@dataclass(frozen=True)
class TargetFacts:
    """What is known of a target before its code is loaded."""

    name: str
    """The word that `--target` takes."""
    summary: str
    """One line for `--help`."""
    precisions: tuple[str, ...]
    """Of the weights, that its runtimes can read."""
    halves_states: bool = True
    """Whether a state can lie in float16 between two steps."""
    rounds_activations: bool = False
    """Whether products by quantized weights round the other side too."""
    made_of: str | None = None
    """The target whose graphs it takes, which comes with it."""
    even_blocks: bool = False
    """Whether its runtimes want an even number of blocks in a row of weights of 4 bits."""
    has_graphs: bool = True
    """Whether it adds graphs, which runtimes are asked about."""


EVERY_PRECISION = ("fp32", "fp16", "int8", "int4")

ORT = TargetFacts(
    OUR_TARGET,
    "ONNX Runtime and onnxruntime-web, with their fastest operators",
    EVERY_PRECISION,
    rounds_activations=True,
)
ONNX27 = TargetFacts("onnx27", "standard ONNX of opset 27, with its LinearAttention", EVERY_PRECISION)
PLAIN = TargetFacts("plain", "ordinary operators, for OpenVINO, TensorRT and older runtimes", EVERY_PRECISION)
GENAI = TargetFacts("genai", "onnxruntime-genai: C++, C#, Java, Python", EVERY_PRECISION, rounds_activations=True)
TORCHSCRIPT = TargetFacts("torchscript", "torch.jit and torch.export, without code of ours", ("fp32",), False)
MOBILE = TargetFacts(
    "mobile",
    "ONNX Runtime's own file format for phones",
    ("fp32", "int8", "int4"),
    rounds_activations=True,
    made_of=OUR_TARGET,
)
"""Without fp16: processors multiply no float16, and the optimizer would write such weights as float32."""
WEB = TargetFacts(
    "web",
    "the graphs of ort, and how long browsers keep them",
    EVERY_PRECISION,
    rounds_activations=True,
    made_of=OUR_TARGET,
    even_blocks=True,
    has_graphs=False,
)
"""With even blocks for WebGPU: WebAssembly takes any."""

TRITON = TargetFacts(
    "triton",
    "the graphs of ort, and how NVIDIA Triton keeps a state for each client",
    EVERY_PRECISION,
    rounds_activations=True,
    made_of=OUR_TARGET,
    has_graphs=False,
)

TARGETS = {facts.name: facts for facts in (ORT, ONNX27, PLAIN, GENAI, TORCHSCRIPT, MOBILE, WEB, TRITON)}
"""By name, in the order that users see."""
WITH_GRAPHS = tuple(name for name, facts in TARGETS.items() if facts.has_graphs)
"""Names of those that runtimes are asked about."""
